"""What the valley's officer has entered in three years, what the council wants to reach, and what nobody could say.

Made up. Columns: the input, its values of 2023, 2024 and 2025 (None: the query of that year says it), where it is from.
"""

from typing import Final

YEARS: Final = (2023, 2024, 2025)
_REGISTER: Final = "register of residents, 31 December"
_UTILITY: Final = "annual report of the valley's utilities"
_STATISTICS: Final = "regional statistics office, table by municipality"
_ROADS: Final = "road inventory"
_BUDGET: Final = "closed accounts of the municipality"
_HEALTH: Final = "health insurers' list of the district"

ENTERED: Final[tuple[tuple[str, tuple[float | None, float | None, float | None], str], ...]] = (
    ("population", (9_482, 9_441, 9_412), _REGISTER),
    ("households", (3_846, 3_871, 3_893), _REGISTER),
    ("city_area_km2", (74.1, 74.1, 74.1), "land register"),
    ("households_with_internet", (3_309, 3_427, 3_541), _STATISTICS),
    ("fixed_broadband_subscriptions", (2_692, 2_826, 2_959), "two operators' letters"),
    ("wireless_broadband_subscriptions", (8_060, 8_308, 8_659), "two operators' letters"),
    ("public_wifi_hotspots", (4, 7, 9), "list of the town works"),
    ("water_meters", (4_058, 4_087, 4_110), _UTILITY),
    ("smart_water_meters", (702, 1_204, 1_730), _UTILITY),
    ("electricity_meters", (4_377, 4_391, 4_408), _UTILITY),
    ("smart_electricity_meters", (1_839, 2_591, 3_174), _UTILITY),
    ("electricity_customers", (4_377, 4_391, 4_408), _UTILITY),
    ("water_network_km", (63.1, 63.1, 63.7), _UTILITY),
    ("water_network_monitored_km", (12.8, 17.2, 21.9), _UTILITY),
    ("transport_stops", (18, 18, 18), "operator of the buses"),
    ("stops_with_live_information", (2, 4, 6), "operator of the buses"),
    ("electronic_public_services", (4, 6, 8), "town hall, list of services"),
    ("procurements", (61, 58, 66), "register of contracts"),
    ("procurements_electronic", (33, 41, 55), "register of contracts"),
    ("smes", (402, 407, 411), _STATISTICS),
    ("enterprises", (404, 409, 413), _STATISTICS),
    ("unemployed", (231, 214, 203), _STATISTICS),
    ("labour_force", (4_741, 4_716, 4_698), _STATISTICS),
    ("youth_unemployed", (39, 36, 33), _STATISTICS),
    ("youth_labour_force", (402, 398, 391), _STATISTICS),
    ("tourism_employees", (196, 211, 224), _STATISTICS),
    ("households_basic_water", (3_831, 3_860, 3_885), _UTILITY),
    ("households_potable_water", (3_796, 3_834, 3_868), _UTILITY),
    ("water_supplied", (451_300, 446_100, None), _UTILITY),
    ("water_billed", (377_700, 381_200, None), _UTILITY),
    ("water_consumed", (1_142_000, 1_151_000, None), _UTILITY),
    ("households_wastewater_collected", (3_012, 3_098, 3_187), _UTILITY),
    ("households_basic_sanitation", (3_840, 3_866, 3_890), _UTILITY),
    ("households_waste_collected", (3_846, 3_871, 3_893), _UTILITY),
    ("customer_interruptions", (5_121, 4_830, 3_967), "grid operator, by IEEE 1366"),
    ("customer_interruption_minutes", (286_800, 246_300, 186_400), "grid operator, by IEEE 1366"),
    ("households_authorised_electricity", (3_846, 3_871, 3_893), "grid operator"),
    ("bicycle_network_km", (4.9, 6.2, 7.8), _ROADS),
    ("shared_bicycles", (0, 12, 24), "operator of the bicycles"),
    ("shared_vehicles", (2, 3, 5), "operator of the cars"),
    ("passenger_vehicles", (4_466, 4_512, 4_549), "register of vehicles"),
    ("low_carbon_passenger_vehicles", (96, 148, 221), "register of vehicles"),
    ("plan_compact", (1, 1, 1), "master plan, chapter 2"),
    ("plan_connected", (1, 1, 1), "master plan, chapter 3"),
    ("plan_integrated", (0, 0, 1), "master plan, amendment of 2025"),
    ("plan_inclusive", (1, 1, 1), "master plan, chapter 5"),
    ("plan_resilient", (0, 1, 1), "master plan, amendment of 2024"),
    ("pm2_5_annual_mean", (13.9, 13.1, 12.2), "reference station of the region, annual report"),
    ("pm10_annual_mean", (21.6, 20.4, 19.3), "reference station of the region, annual report"),
    ("no2_annual_mean", (14.8, 14.1, 13.0), "reference station of the region, annual report"),
    ("ghg_emissions", (48_900, 47_100, 45_600), "energy agency, inventory of the valley"),
    ("wastewater", (402_000, 399_500, 401_800), _UTILITY),
    ("wastewater_primary", (402_000, 399_500, 401_800), _UTILITY),
    ("wastewater_secondary", (361_800, 367_500, 377_700), _UTILITY),
    ("wastewater_tertiary", (92_400, 119_800, 160_700), _UTILITY),
    ("waste", (4_190, 4_122, 4_051), "weighbridge of the landfill"),
    ("waste_landfill", (2_053, 1_855, 1_620), "weighbridge of the landfill"),
    ("waste_incinerated", (461, 494, 527), "weighbridge of the landfill"),
    ("waste_recycled", (1_550, 1_649, 1_783), "weighbridge of the landfill"),
    ("waste_other", (126, 124, 121), "weighbridge of the landfill"),
    ("antenna_sites", (6, 7, 7), "telecommunications authority"),
    ("antenna_sites_compliant", (6, 7, 7), "telecommunications authority"),
    ("green_area_ha", (15.6, 16.1, 16.6), "land register"),
    ("electricity_consumed", (28_410_000, 28_070_000, None), "grid operator"),
    ("residential_thermal_energy", (216_500, 209_900, 203_400), "energy agency, model of the houses"),
    ("students", (1_263, 1_254, 1_246), "schools' register"),
    ("students_with_ict", (701, 842, 961), "schools' register"),
    ("students_enrolled", (1_263, 1_254, 1_246), "schools' register"),
    ("school_age_population", (1_431, 1_422, 1_414), _REGISTER),
    ("tertiary_degree_holders", (1_310, 1_342, 1_371), _STATISTICS),
    ("life_expectancy", (76.9, 77.4, 77.8), _STATISTICS),
    ("maternal_deaths", (0, 0, 0), _HEALTH),
    ("live_births", (83, 79, 77), _REGISTER),
    ("physicians", (21, 21, 20), _HEALTH),
    ("inpatient_beds", (40, 36, 36), "the clinic"),
    ("residents_health_covered", (9_412, 9_377, 9_351), _HEALTH),
    ("cultural_expenditure", (612_000, 640_000, 702_000), _BUDGET),
    ("municipal_expenditure", (12_740_000, 13_310_000, 13_980_000), _BUDGET),
    ("cultural_institutions", (6, 6, 7), "town hall"),
    ("voters", (4_402, None, None), "municipal election of 2023"),
    ("eligible_voters", (7_731, None, None), "municipal election of 2023"),
    ("daycare_places", (262, 284, 284), "town hall"),
    ("preschool_children", (561, 549, 541), _REGISTER),
    ("disaster_deaths", (0, 0, 0), "civil protection"),
    ("resilience_plans", (0, 1, 1), "civil protection plan of 2024"),
    ("police_fte", (15, 15, 14), "police district"),
    ("firefighter_fte", (11, 11, 12), "fire brigade"),
    ("violent_crimes", (13, 11, 9), "police district"),
    ("traffic_deaths", (2, 1, None), "police district"),
)

ABSENT: Final = (
    ("rd_expenditure", "not reported", "The statistics office publishes research spending by region only."),
    ("city_gdp", "not reported", "Gross domestic product is not known below the region."),
    ("gini", "not reported", "No survey of incomes was made in the valley."),
    ("residents_with_ehealth_record", "not reported", "The insurers were asked and have not answered."),
    ("residents_informal_settlements", "not applicable", "There are none in the valley."),
)

_PLAN: Final = "Orlava 2030 (simulated), decided by the council"
TARGETS: Final = (
    ("EC: ICT: ICT: 1C", "", 98.0, 2030, _PLAN),
    ("EC: ICT: ICT: 5C", "", 20.0, 2030, _PLAN),
    ("EC: ICT: WS: 1C", "", 90.0, 2030, _PLAN),
    ("EC: ICT: ES: 1C", "", 95.0, 2028, "the grid operator's roll-out (simulated)"),
    ("EC: ICT: T: 1C", "", 80.0, 2030, _PLAN),
    ("EC: ICT: PS: 2A", "", 14.0, 2028, _PLAN),
    ("EC: ICT: PS: 3A", "", 100.0, 2027, "procurement law (simulated)"),
    ("EC: P: EM: 1C", "", 4.0, 2030, _PLAN),
    ("EC: I: WS: 2C", "", 100.0, 2030, _PLAN),
    ("EC: I: WS: 3C", "", 10.0, 2030, _PLAN),
    ("EC: I: WS: 4C", "", 95.0, 2030, _PLAN),
    ("EC: I: ES: 2C", "", 40.0, 2028, "agreement with the grid operator (simulated)"),
    ("EC: I: T: 3C", "", 120.0, 2030, _PLAN),
    ("EC: I: T: 6A", "", 300.0, 2028, _PLAN),
    ("EN: EN: AQ: 1C", "pm_2.5", 10.0, 2030, "air quality plan (simulated)"),
    ("EN: EN: AQ: 1C", "pm_10", 20.0, 2030, "air quality plan (simulated)"),
    ("EN: EN: AQ: 1C", "no2", 20.0, 2030, "air quality plan (simulated)"),
    ("EN: EN: AQ: 2C", "", 3.5, 2030, _PLAN),
    ("EN: EN: PSN: 1C", "", 200.0, 2030, _PLAN),
    ("EN: E: E: 1C", "", 45.0, 2030, _PLAN),
    ("SC: EH: ED: 1C", "", 100.0, 2027, "digital school programme (simulated)"),
    ("SC: EH: H: 4A", "", 400.0, 2030, "district health plan (simulated)"),
    ("SC: SH: SI: 5A", "", 60.0, 2028, _PLAN),
    ("SC: SH: SA: 5A", "", 8.0, 2028, "fire brigade's standard (simulated)"),
    ("SC: SH: SA: 9C", "", 5.0, 2030, "vision zero (simulated)"),
)
"""Code, data point, target, by which year, why. Of every other indicator nothing is scored."""

VERIFIED: Final = frozenset(
    (name, year)
    for year in (2023, 2024)
    for name in (
        "population",
        "households",
        "households_with_internet",
        "households_basic_water",
        "unemployed",
        "labour_force",
    )
)
"""What a second person has confirmed."""

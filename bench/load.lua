-- The requests of the HTTP rows, for wrk; the entities are those of seeds.stations.
--
--   wrk -t1 -c64 -d10s -s load.lua URL -- MODE COUNT
--   MODE   get | query (1 % of the entities match) | query50 (half of them) | patchattr (one attribute) | create5 (five attributes)
--   COUNT  entities urn:ngsi-ld:Entity:load-0 .. load-(COUNT-1) are there

local threads, statuses = {}, {}

function setup(thread)
  thread:set("number", #threads)
  threads[#threads + 1] = thread
end

function init(args)
  mode, count = args[1], tonumber(args[2])
  made, seen = 0, {}
  local now = os.time()
  math.randomseed(now + 7919 * number)
  run = now .. "-" .. number .. "-" .. math.random(0, 999999)
end

local function one() return "/ngsi-ld/v1/entities/urn:ngsi-ld:Entity:load-" .. math.random(0, count - 1) end

local plain = { ["Accept"] = "application/json" }
local with_body = { ["Accept"] = "application/json", ["Content-Type"] = "application/json" }

local requests = {
  get = function() return wrk.format("GET", one(), plain) end,
  query = function()
    return wrk.format("GET", "/ngsi-ld/v1/entities?type=Entity&limit=20&q=level==" .. math.random(0, 99), plain)
  end,
  query50 = function()
    return wrk.format("GET", "/ngsi-ld/v1/entities?type=Entity&limit=20&q=level%3C50", plain)
  end,
  patchattr = function()
    return wrk.format("PATCH", one() .. "/attrs/level", with_body,
      string.format('{"type":"Property","value":%d}', math.random(0, 99)))
  end,
  create5 = function()
    made = made + 1
    local body = string.format(
      '{"id":"urn:ngsi-ld:Entity:%s-%d","type":"Entity","level":{"type":"Property","value":%d},' ..
      '"temperature":{"type":"Property","value":%.2f,"unitCode":"CEL","observedAt":"2026-04-01T12:00:00Z"},' ..
      '"humidity":{"type":"Property","value":%.2f},"name":{"type":"Property","value":"Station %d"},' ..
      '"location":{"type":"GeoProperty","value":{"type":"Point","coordinates":[%.6f,%.6f]}}}',
      run, made, math.random(0, 99), 30 * math.random(), math.random(), made, 3 + math.random(), 43 + math.random())
    return wrk.format("POST", "/ngsi-ld/v1/entities", with_body, body)
  end,
}

function request() return requests[mode]() end

function response(status) seen[status] = (seen[status] or 0) + 1 end

function done(summary, latency)
  for _, thread in ipairs(threads) do
    for status, times in pairs(thread:get("seen")) do statuses[status] = (statuses[status] or 0) + times end
  end
  local said = {}
  for status, times in pairs(statuses) do said[#said + 1] = string.format('"%d":%d', status, times) end
  local seconds = summary.duration / 1e6
  io.write(string.format('RESULT {"rate":%.1f,"p50_ms":%.2f,"p99_ms":%.2f,"lost":%d,"statuses":{%s}}\n',
    summary.requests / seconds, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout,
    table.concat(said, ",")))
end

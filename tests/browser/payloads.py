"""Two hundred texts that try to become more than text, and how one sees that one of them did.

Written for these tests. Each calls `planted(n)` where it is run as a script, or leaves an element `x-planted`, a
handler or a scheme where it is read as HTML; the pages' policy stops most of the first: the second is looked for too.
"""

from typing import Any, Final

_HTML: Final = (
    "<script>{call}</script>", "<script src=//evil.example/{n}.js></script>", "<ScRiPt>{call}</sCrIpT>",
    "<img src=x onerror={call}>", "<img/src=`x`/onerror={call}>", "<img src=x onerror='{call}'//",
    "<svg onload={call}>",
    "<svg><script>{call}</script></svg>", "<svg><animate onbegin={call} attributeName=x dur=1s>",
    "<svg><a xlink:href='javascript:{call}'><text y=20>x</text></a></svg>", "<body onload={call}>",
    "<iframe src='javascript:{call}'></iframe>", "<iframe srcdoc='<script>parent.{call}</script>'></iframe>",
    "<object data='javascript:{call}'></object>", "<embed src='javascript:{call}'>",
    "<details open ontoggle={call}>x</details>",
    "<video><source onerror={call}></video>", "<audio src=x onerror={call}>", "<input autofocus onfocus={call}>",
    "<select autofocus onfocus={call}>", "<marquee onstart={call}>x</marquee>", "<a href='javascript:{call}'>x</a>",
    "<a href='java&#9;script:{call}'>x</a>", "<a href='&#106;avascript:{call}'>x</a>",
    "<form action='javascript:{call}'><input type=submit></form>",
    "<button formaction='javascript:{call}'>x</button>", "<base href=//evil.example/>",
    "<meta http-equiv=refresh content='0;url=javascript:{call}'>",
    "<link rel=stylesheet href=//evil.example/x.css>", "<style>@import '//evil.example/x.css';</style>",
    "<style>*{{background:url(//evil.example/{n})}}</style>", "<p style='background:url(//evil.example/{n})'>x</p>",
    "<math><mtext><table><mglyph><style><img src=x onerror={call}></style></mglyph></table></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror={call}>'></noscript>",
    "<template><script>{call}</script></template>",
    "<form id=look><input name=city></form>", "<img name=querySelector>", "<x-planted id={n}>x</x-planted>",
    "<isindex type=image src=x onerror={call}>", "<table background='javascript:{call}'>",
)  # fmt: skip
_BREAKS: Final = (
    "{html}",
    '"><{tag}',
    "'><{tag}",
    "</script>{html}",
    "--><!-->{html}",
    "</title></textarea></style>{html}",
)
_TEXTS: Final = (
    "javascript:{call}", "JaVaScRiPt:{call}", " javascript:{call}", "java\tscript:{call}", "javascript://%0a{call}",
    "data:text/html,<script>{call}</script>", "data:text/html;base64,PHNjcmlwdD5wbGFudGVkKDEpPC9zY3JpcHQ+",
    "vbscript:{call}",
    '" onmouseover="{call}', "' onfocus='{call}' autofocus='", "` onerror=`{call}",
    '" style="background:url(//evil.example)',
    "{{{{1234567*7}}}}", "${{{call}}}", "#{{{call}}}", "<%= {call} %>", "{{% raw %}}{{{{ 1234567*7 }}}}",
    "{{{{config}}}}",
    "';{call};//", '";{call};//', '\\";{call};//', "</script>", "<!--", "]]>", "\u2028{call}\u2029",
    "\ufeff<script>{call}</script>",
    "＜script＞{call}＜/script＞", "%3Cscript%3E{call}%3C/script%3E", "&lt;script&gt;{call}&lt;/script&gt;",
    "&#60;script&#62;{call}",
    "\\u003cscript\\u003e{call}\\u003c/script\\u003e", "\\x3cscript\\x3e{call}",
    "+ADw-script+AD4-{call}+ADw-/script+AD4-",
    "__proto__", "constructor", "toString", "[x](javascript:{call})", '![x](x"onerror="{call})',
    '=HYPERLINK("//evil.example")',
    "@import url(//evil.example)", "</style><x-planted>", "expression({call})", "<scr<script>ipt>{call}</script>",
    "<<x-planted>x",
)  # fmt: skip


def made() -> list[str]:
    """Two hundred and more of them, each with a number of its own."""
    found: list[str] = []
    for html in _HTML:
        n = len(found)
        text = html.format(call=f"planted({n})", n=n)
        found.append(text)
    for html in _HTML:
        for how in _BREAKS[1:]:
            n = len(found)
            text = html.format(call=f"planted({n})", n=n)
            found.append(how.format(html=text, tag=text.removeprefix("<")))
    found = found[:160]
    for text in _TEXTS:
        n = len(found)
        found.append(text.format(call=f"planted({n})", n=n))
    return found


PAYLOADS: Final = made()

WATCH: Final = """
window.__planted = [];
window.planted = (n) => window.__planted.push(`ran ${n}`);
for (const name of ["alert", "confirm", "prompt"]) window[name] = () => window.__planted.push(name);
document.addEventListener("securitypolicyviolation", (told) =>
    window.__planted.push(`policy: ${told.effectiveDirective} ${told.blockedURI} ${told.sample}`));
"""
"""Runs in each page before anything of it."""

_LOOK: Final = """() => {
    const found = [...window.__planted];
    const handlers = (one) => [...one.attributes].some((a) => a.name.startsWith("on") || a.name === "srcdoc");
    const schemes = /^[\\s\\u0000-\\u001f]*(javascript|vbscript|data:text)/i;
    for (const one of document.querySelectorAll("*")) {
        const say = (why) => found.push(`${why}: ${one.outerHTML.slice(0, 120)}`);
        if (handlers(one)) say("handler");
        if (/^(x-planted|iframe|object|embed|base|marquee|isindex)$/.test(one.localName)) say("element");
        if (one.localName === "script" && !one.src && one.type !== "application/json") say("script");
        if (one.localName === "style") say("style");
        if (one.localName === "meta" && one.httpEquiv) say("meta");
        for (const name of ["href", "src", "action", "formaction", "xlink:href", "data", "background"]) {
            const to = one.getAttribute(name);
            if (to === null) continue;
            if (schemes.test(to.replace(/[\\t\\n\\r]/g, ""))) say("scheme");
            else if (one.localName !== "a" && /^(https?:)?[/\\\\]{2}evil/i.test(to)) say("fetched");
        }
    }
    if (/8641969/.test(document.body.textContent)) found.push("a template was evaluated");
    if (({}).planted !== undefined) found.push("a prototype was changed");
    return found;
}"""


def found(page: Any) -> list[str]:
    """What of the payloads has become more than text in this page."""
    said: list[str] = page.evaluate(_LOOK)
    return said

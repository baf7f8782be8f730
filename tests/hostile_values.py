"""Values that somebody might write into an inventory to make a machine do what nobody declared."""

from __future__ import annotations

#: Whatever is executed leaves a file whose name begins so.
MARKER = "/tmp/wizara-was-here"


def values(number: object = "") -> tuple[str, ...]:
    """Return forty of them; *number* tells the markers of different places apart."""
    mark = f"{MARKER}{number}"
    return (
        f"x\nmynetworks = 0.0.0.0/0\n$(touch {mark}-a)", f"x\r\nPermitRootLogin yes # `touch {mark}-b`", f"$(touch {mark}-c)", f"`touch {mark}-d`",
        f"x; touch {mark}-e", f"x && touch {mark}-f", f"x | touch {mark}-g", f"x & touch {mark}-h &", f"'; touch {mark}-i; '",
        f'"; touch {mark}-j; "', f"' || touch {mark}-k #", f'" }}; touch {mark}-l', f"${{IFS}}touch${{IFS}}{mark}-m", f"> {mark}-n",
        "{{ 7 * 7 }}", "{% for _ in range(9) %}x{% endfor %}",
        "{{ cycler.__init__.__globals__.os.popen('touch " + mark + "-o').read() }}", "#{7*7}", "${7*7}", "%n%s%x", "%(name)s", "%{user}",
        "x\0y", "x\x1b]0;title\x07\x1b[2J", "mps\u202egnp.gov", "pay\u200bpal", "x\u2028mynetworks = 0.0.0.0/0", "../../../etc/passwd",
        "/etc/shadow", "..", f"--comment=x --command=touch {mark}-p", "-oProxyCommand=touch " + mark + "-q", "٤٤٣", "１２３", "1_0",
        'x" accept comment "', "x } chain evil { type filter hook input priority -400; policy accept; }", "x\\", "a" * 100_000, "x:0:0::/:/bin/sh,*#",
    )  # fmt: skip

# SPDX-License-Identifier: Apache-2.0
"""Hostile spellings of URLs: addresses no caller may reach, written in every way that some
parser, resolver or proxy has been known to read as an address."""
import ipaddress
import itertools
import random

PUBLIC_HOST = "93.184.216.34"
V4 = ["127.0.0.1", "127.255.255.254", "10.1.2.3", "172.16.5.4", "172.31.255.255", "192.168.1.1",
      "169.254.169.254", "169.254.170.2", "100.64.0.1", "100.100.100.200", "168.63.129.16",
      "198.18.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.51.100.7", "203.0.113.7",
      "0.0.0.0", "0.1.2.3", "240.0.0.1", "255.255.255.254"]
V6_PLAIN = ["::1", "::", "fd00:ec2::254", "fd20:ce::254", "fc00::1", "fdff:ffff::1", "fe80::1",
            "fec0::1", "ff02::1", "100::1", "100:0:0:1::1", "2001:db8::1", "2001:2::1",
            "2001:10::1", "2001:20::1", "3fff::1", "3ffe::1", "5f00::1", "4000::1", "1::1",
            "2620:4f:8000::1", "e000::1"]
# Where IPv6 carries an IPv4 address: (prefix, bits to shift it left).
EMBEDDINGS = [("::ffff:0:0", 0), ("::", 0), ("::ffff:0:0:0", 0), ("64:ff9b::", 0),
              ("64:ff9b:1::", 0), ("2002::", 80), ("2001::", 64)]
FULLWIDTH = {str(d): chr(0xff10 + d) for d in range(10)}
CIRCLED = {**{str(d): chr(0x2460 + d - 1) for d in range(1, 10)}, "0": "\u24ea"}
ARABIC = {str(d): chr(0x660 + d) for d in range(10)}
MATHEMATICAL = {str(d): chr(0x1d7ce + d) for d in range(10)}
SUPERSCRIPT = {str(d): c for d, c in enumerate("⁰¹²³⁴⁵⁶⁷⁸⁹")}
SCRIPTS = [FULLWIDTH, CIRCLED, ARABIC, MATHEMATICAL, SUPERSCRIPT]
DOTS = ["\u3002", "\uff0e", "\uff61", "\u2024", "\u00b7", "%2e", "%E3%80%82", "..", ":", ",", "\t.",
        "\u00ad.", "\u200b.", "。."]
SCHEMES = ["HTTP", "hTtP", "https", "HTTPS", "http ", " http", "\thttp", "ht\ntp",
                           "ftp", "gopher", "file", "dict", "ws", "ldap", "smb", "tftp", "scp",
                           "telnet", "data", "jar:http", "http:http", "view-source:http"]
SLASHES = [":", ":/", ":///", ":////", ":\\\\", ":/\\", ":\\/", "://\t", ":// ",
                          "://\\", "%3a//", ":%2f%2f", "://./", "://@", "://:@"]
PORTS = [":80", ":8080", ":443", ":080", ":0000000080", ":", ":65616", ":0", ":-80",
                     ":+80", ":0x50", ":%38%30", ": 80", ":80:80", ":80 ", ":22", ":６６", ":80.",
                     ":4294967376", ":１80"]
TAILS = ["", "?", "#", "/../", "/%2e%2e/", ";/", "\\", "/\\", "?/", "#/", "%00/", "%2f",
                     "\t/", " /", ".", "./", "%20/", "\u00a0/", "/@" + PUBLIC_HOST, "/%0d%0aHost:x"]
AROUND = [
    PUBLIC_HOST + "@{}", PUBLIC_HOST + ":80@{}", PUBLIC_HOST + ":80#@{}", PUBLIC_HOST + "#@{}",
    PUBLIC_HOST + "?@{}", PUBLIC_HOST + "\\@{}", PUBLIC_HOST + "/@{}", PUBLIC_HOST + "%40{}",
    PUBLIC_HOST + ";@{}", PUBLIC_HOST + "%00@{}", "{}@" + PUBLIC_HOST, "{}#@" + PUBLIC_HOST,
    "{}?@" + PUBLIC_HOST, "{}\\@" + PUBLIC_HOST, "{}%23@" + PUBLIC_HOST, "{}%2f@" + PUBLIC_HOST,
    "{}\\." + PUBLIC_HOST, "{}%2f." + PUBLIC_HOST, "{} " + PUBLIC_HOST, PUBLIC_HOST + " {}",
    PUBLIC_HOST + "\t{}", PUBLIC_HOST + "%09{}", "u:p@{}", "@{}", ":@{}", "u@{}@{}", "u%40:p@{}",
    "[{}]", "({})", "{}\u00ad", "\u200b{}", "{}%", "%{}", "{},", "*{}", "{}$", "'{}'", "`{}`",
    PUBLIC_HOST + "&@{}", PUBLIC_HOST + "%0d%0a{}", PUBLIC_HOST + "{}", "{}.", "{}..", ".{}"]


def radix(rng, value, kind, is_odd):
    """One part of an IPv4 address as inet_aton takes it, or nearly."""
    zeros = "0" * rng.choice([0, 0, 0, 1, 3, 8])
    if is_odd:
        return rng.choice([f"0o{value:o}", f"0O{value:o}", f"x{value:x}", f"\\x{value:x}",
                           f"&#x{value:x};", f"0b{value:b}", f"+{value}", f"-{value}", f" {value}",
                           f"{value + 256}", f"{value + (1 << 32)}", f"{value + (1 << 64)}",
                           f"{value - (1 << 32)}", f"{value}e0", f"{value}_", f"{value}l",
                           f"0x{value:x}h", f"{value:x}"])
    if kind == "octal":
        return f"0{zeros}{value:o}"
    if kind == "hex":
        return rng.choice([f"0x{zeros}{value:x}", f"0X{zeros}{value:X}", f"0x{zeros}{value:X}"])
    return str(value)


def v4_text(rng, address, is_odd=False):
    """1 to 4 parts, each in a radix of its own."""
    number = int(ipaddress.IPv4Address(address))
    count = rng.choice([1, 2, 3, 4, 4])
    parts = [number >> (24 - 8 * i) & 255 for i in range(count - 1)]
    parts.append(number & ((1 << (32 - 8 * (count - 1))) - 1))
    kinds = ["decimal", "octal", "hex"]
    one = rng.choice(kinds)
    odd_at = rng.randrange(count) if is_odd else -1
    is_mixed = rng.random() < 0.5
    return ".".join(radix(rng, part, rng.choice(kinds) if is_mixed else one, at == odd_at)
                    for at, part in enumerate(parts))


def v6_target(rng):
    """(address, the IPv4 address its last 32 bits are, or None)"""
    if rng.random() < 0.35:
        return ipaddress.IPv6Address(rng.choice(V6_PLAIN)), None
    prefix, shift = rng.choice(EMBEDDINGS)
    inner = rng.choice(V4)
    number = int(ipaddress.IPv6Address(prefix)) | int(ipaddress.IPv4Address(inner)) << shift
    return ipaddress.IPv6Address(number), inner if shift == 0 else None


def v6_text(rng, address, inner, is_odd):
    text = rng.choice([str(address), address.exploded, str(address).upper(),
                       address.exploded.upper()])
    if inner and rng.random() < 0.5:
        head = address.exploded[:30]
        text = head + (v4_text(rng, inner, True) if is_odd else inner)
    if not is_odd:
        return f"[{text}]"
    text += rng.choice(["%lo", "%25lo", "%251", "%25", "%", "%2525lo", "/64", ".", " ", "::", ":"])
    return rng.choice(["[{}]", "[{}]", "{}", "[[{}]]", "[{}", "{}]", "%5b{}%5d", "[v1.{}]", "[{}].",
                       "[{}]]", "[ {}]"]).format(text)


def escape(rng, text):
    """%-encodes all or some of it, at times twice."""
    share = rng.choice([1.0, 0.3, 0.1])
    escaped = "".join(f"%{ord(c):02{rng.choice('xX')}}" if ord(c) < 128 and rng.random() < share
                      else c for c in text)
    return escaped.replace("%", "%25") if rng.random() < 0.1 else escaped


def disguise(rng, text):
    """Unicode digits and dots, %-encoding, what is stripped by some and not by others."""
    kind = rng.randrange(4)
    if kind == 0:
        return escape(rng, text)
    if kind == 1:
        script, share = rng.choice(SCRIPTS), rng.choice([1.0, 0.4])
        return "".join(script.get(c, c) if rng.random() < share else c for c in text)
    if kind == 2:
        return text.replace(".", rng.choice(DOTS))
    at = rng.randrange(len(text) + 1)
    return text[:at] + rng.choice("\t\n\r \u00ad\u200b\u2060\ufeff\x01\x7f\u00a0") + text[at:]


PLACES = ["digits", "disguise", "around", "scheme", "slashes", "port", "tail"]


def one_spelling(rng):
    """(URL, the address it is aimed at).  Odd in few places at once: what is odd everywhere
    is refused for the first of them, and shows nothing about the others."""
    odd = rng.sample(PLACES, rng.choice([0, 1, 1, 1, 2, 2, 3]))
    if rng.random() < 0.65:
        target = rng.choice(V4)
        host = v4_text(rng, target, "digits" in odd)
    else:
        address, inner = v6_target(rng)
        target, host = str(address), v6_text(rng, address, inner, "digits" in odd)
    if "disguise" in odd:
        host = disguise(rng, host)
    if "around" in odd:
        host = rng.choice(AROUND).replace("{}", host)
    scheme = rng.choice(SCHEMES) if "scheme" in odd else "http"
    slashes = rng.choice(SLASHES) if "slashes" in odd else "://"
    port = rng.choice(PORTS) if "port" in odd else rng.choice(["", "", ":8080"])
    return scheme + slashes + host + port + (rng.choice(TAILS) if "tail" in odd else "/"), target


def plain_spellings():
    """What has to be there whatever the dice say: each address as it is, on some ports."""
    v6 = V6_PLAIN + [str(ipaddress.IPv6Address(
        int(ipaddress.IPv6Address(prefix)) | int(ipaddress.IPv4Address(inner)) << shift))
        for prefix, shift in EMBEDDINGS for inner in V4[:8]]
    for address, port in itertools.product(V4 + v6, ["", ":8080"]):
        host = f"[{address}]" if ":" in address else address
        yield f"http://{host}{port}/", address
    for name in ("localhost", "LocalHost", "localhost.", "metadata.google.internal",
                 "metadata.goog", "ip6-localhost"):
        yield f"http://{name}/", "127.0.0.1"


def generate(count, seed):
    """`count` distinct spellings, the same for the same seed: [(URL, address)].  Few are a
    sample: half of it by the dice."""
    rng = random.Random(seed)
    plain = list(plain_spellings())
    rng.shuffle(plain)
    found = dict(plain[:count // 2])
    while len(found) < count:
        url, target = one_spelling(rng)
        if "\0" not in url:
            found.setdefault(url, target)
    return list(found.items())

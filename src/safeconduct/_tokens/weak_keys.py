"""
Recognise keys that can be guessed or have a known weakness (RFC 8725 §3.5, ASVS 11.2.3).

Secrets.  Random bytes are printable text once in 10^13 or less, so a secret that is text was typed, or is the text form
of something shorter.  Text must carry at least the 128 bits that a small random key would.  Published secrets that this
rule accepts are refused by the first bytes of their SHA-256.

Public keys.  ROCA (CVE-2017-15361): the library made its primes as ``k·M + (65537^a mod M)``, M a product of the first
primes, so the modulus is a power of 65537 modulo each of them.  A sound modulus is so by chance once in 2^27 or less
(Nemec, Sýs, Švenda, Klinec, Matyáš: "The Return of Coppersmith's Attack", CCS 2017, §2.3).  An Ed25519 key of small
order verifies signatures that nobody made (RFC 8032 §8.9).
"""

import math
import re
from base64 import b64decode
from collections import Counter
from hashlib import sha256
from typing import Final

_LEAST_BITS: Final = 128
_LEAST_DISTINCT_BYTES: Final = 8
# The beginnings of public keys as text: anyone who knows the key could sign with such a "secret" (CVE-2022-29217).
_KEY_MARKS: Final = (b"-----BEGIN ", b"---- BEGIN ", b"ssh-rsa ", b"ssh-dss ", b"ssh-ed25519 ", b"ecdsa-sha2-")
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
# Runs of four or more letters of one case are words; random text has next to none.  Three fifths in words are too many.
_WORD: Final = re.compile(r"[a-z]{4,}|[A-Z]{4,}")

_GENERATOR: Final = 65537
_FIRST_PRIMES: Final = tuple(n for n in range(3, 168) if all(n % d for d in range(2, n)))
_POWERS: Final = {
    prime: frozenset(pow(_GENERATOR, exponent, prime) for exponent in range(prime)) for prime in _FIRST_PRIMES
}

_FIELD: Final = 2**255 - 19
_OF_ORDER_EIGHT: Final = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
# The y of every point of order 1, 2, 4 and 8 on edwards25519, and the two second spellings below 2^255.
_SMALL_ORDER: Final = frozenset((0, 1, _FIELD - 1, _OF_ORDER_EIGHT, _FIELD - _OF_ORDER_EIGHT, _FIELD, _FIELD + 1))

PREFIX_BYTES: Final = 5
# From the list wallarm/jwt-secrets (MIT): the 1010 secrets of 32 bytes or more that the other rules
# accept, as sorted prefixes of their SHA-256.  A random secret matches one of them once in 10^9.
_PREFIXES: Final = b64decode(
    "ABQei3AALNpYRQBKbcgbAE/HcasAfbCElwDg+2HtAYy8kaUBvUKQegHIcjV7AmdeX5kChiM0/gNuNhrCA52wpBoEa8nBqwR3nh6BBNTuexkE4Bts"
    "igU76ZTBBVuojQ8FZ785SAW2JsiFBdfHunMGOJ+ZZwZPTWWfBnOP2vMGfTEGhQatZIlkByJEKjoHJZ86pQeBVPk1B5WPE8MHm7RIKwiuQN3nCMG8"
    "4AEI1tLxBwjxjiEVCSshezUJMnKFcwk8l6XXCX7/fhUJnaR1pQnKluVVCeXPc0kKz+EYAAtKEmI9C3YJwJ0Logeg2ww9wKkYDKAEQMUNhiTiQA2d"
    "9GlJDfpjwnwN+1NV4Q9o38Y0D5cEY3IPx/7RnxAL6g6OEDSEwccQ2nwMkhDiQnQxERAg83URedW6LRGwRg7rEbSToZIR0RGAQBII+RaxEk6hfLAS"
    "lSF6FRLRC5YOE0ZYftcTzJYpSxPTHpYaFEaep34UVyHcWxTZloRLFOdkplYVfsN1NhW09/lbFh1kPywWdICsGxZ5X09iFn3ZqzgWigZlJRb8Jal3"
    "Fv4M3OUXHTH7kRcrIzygGApnVwUYOc9x5xiH6yeTGKoMe50ZlnOI+Bm1z59+GfItx0Ma5J23+Btv/CM5G5WfWCkbtUoqLxu9zkZJG9iw5WUb32xf"
    "zhvsYjfqHBaDdWMcOX+uqRysEdVaHLfwkrAcw4l15B0LxOJUHStljN4daiZe8R1ruTVtHh4A8PYeTbJ+WB6tGXtVHrYJN0YfAeicJB8vClhTH4v9"
    "0NkfpwPuvR+pGYvnH9FQ9ikf7L/ubyBq5abTIGx7w8Yg7G8zdiEb7EV8IWVs+CUhpCcl1SGxB3kUIbEzCNchugFTGSIVdNSNIof/ToMij5wuhCMZ"
    "MjgKI2Tatuojbm6zdiOHm96SI58HaS8jpuG9aiROvWS5JHI1VPckkiEqkiSWP4GzJNQ06DklEuPMOSVntmiNJgLNijomFFL0aSYVoFvyJp8VJ/0m"
    "u66y9Sblqmy4J0n8SlYnbRJnzSfFrmChKDIG4nAoM6EEkihi+f3qKG4TQQsohklITii4HS8uKObUpOUo89/Hnyk+oqxCKV9NPQAqvvRdPyrJul5c"
    "KwtwfwIrVNhnCiuThdIhLEAoK9ksjw0snCyPzuVDLM7fk/0s8Bf7Ci0I+MvyLXOnGwctkT4XHy4A77ujLh/fgp8uQJC24y8Ya3GTL5J9sZ4wlKr9"
    "ujDE1umTMUlioXsxnQhD2TIsTFoBMkQ3ILUyk6jOuTLG34zmMvV5RMcy+EKCzDL9GwQFMwnUVpMzOhTsiDNJRRRKM1TPz2UzW9oqXDPURHOcM9kt"
    "Gs4z+cqM1zRPiQ2CNGNJk0w0bfXiujSvbPmnNPRgG+41X/X4sjVrg8nXNb8y7e41yXhcZjYRYHUBNnM01Ys2kpFoBDcD6wDjNyBZnHA3f5espjfp"
    "1GE3N/b8EqU4QtIv9zhK+ehFOGNDNNY4krK5rTi7a8fsOMAX5bk40dCKYDn3ooSxOgGrMy86PfdEcTp0NwZ0Or0L2fQ7BKs9RzsMD2OUOzxa0k47"
    "TOL6sTuMZBtxO6h3q/I7x8FpYzwakuNsPO6IwtQ9AUEplz2KjwhtPZXHpxQ92wmrKz3gUVfUPpgJe0A+6TkmqD8dNK2FPx1pGcs/J/RXNz9uC/Ox"
    "QDhHMhhAVZydPEDqnvLXQPl7m/pBHDZK6kEedvSwQSUSVzpBSZ2T00F8MzkfQYrJYEVBosPbQkIN0xQFQh130qRCPMpy30KSECkZQtFN4A1DAb11"
    "r0M7tuRLQz2X2EpDSN442URiBOctRMy0IzJE71AthkT0Oiu9Rd2YxFtF76FZ5kX+VKEzRlj4PnlGbm4oRUbY8nTiRyKuealHeyTNjEeLXI5OR7LG"
    "fLZH8NOkfkhAzQDMSM7FdRBJJLzHqklI6LagSVY4SBpJuhApiUoHx7HMSgmZaHpKF98Os0pCJDbkSwI5HtlLE/13PUsVf8DcS16NpaRLaHHaSkuU"
    "2KAbS/EfTOtMgJOCvEzpWZqhTiE6xWhPYmZBBk+b0V8OT67Xf71QItP7nlAx6c4LUG7W7hhQlyXp6lC3zLy3UP9NWUNREZgjnlEYJZ8wUb3rirBR"
    "xAFBIlIth1IjUjD5kzpScQN2+VJ76xpwUrgITI9TCZyFHFMx0ADyU2FoaGRTfjOrWFOqtSZ5U7C1axVTu4Oh/lP/3NJgVCYjZX9UVG5me1SlyVAj"
    "VKwdy+FVMk10r1VGATkjVaRrcnBWJNGBqlZBEjdmVmv5lwZWk5zQYlbnSpCjVw2tQ95XQbIiNFfyXEQyWD5pttJYZZ0E4Fip0vp6WMWksKhZCZXw"
    "mFlLKgbGWX4zGLVZmc7sRVnXihm3WitOc7BaK5kwFFpx0PtRWpRb4RRa2pHBP1sUDXyHW2htte5bsxq1YVvWPIwoW+XMaPZc2FkhGF5V89bhXqBr"
    "toheul6L2V7INbLrXwfKBV5fKvbJvV89Cr/0X2NB2a1fguZlkl/E/ecsX98pjppgDLoCiGBoHFUoYP+yUWphHUnpiGFt+vwiYb8sz5tiVUV9SWJh"
    "9OfQYo0gemRi5o/0KGOsBMMdZABmrCZkbmxYGmSz7sM4ZN+yR2tlBc7rUWUq0CxhZXdRB2JmByby0Wbfc8NsZx1+hTZnKa6EK2ddFEPeZ5afUORn"
    "uKZwK2hZ7glyaIj09eho5dRstmkCTyHpaTlTkUppjQZmD2o7/Evval89WLhqk7SYAmqu22dRawO+XgFrGrtbP2tmBBZja5qDHvZro/DIJ2vBfIrB"
    "bBXlW/FsTJ71XmxnuEXlbJi/ojZsq8hcRGzwKSElbZlNndJudPySCG6H9nD5bouOMMluxqe/Tm7OnQXvbxMeeuFvGuQFcG8riMSFb47u4+FwOAkj"
    "J3A/NRBacIoa4G9wk98jlHDWWLfGcUewGjlxVN6Do3GjhIyWcaypAZRx6xCXAXI/FXzMcrTC7BByuRoNCHLf9CvscuA8ulBy9rpm63OHiHFZdAng"
    "Rut0T4Qjr3SJPMx0dLD4YJx0t0uADnVsEifddXe2kkt1ijyVGHXF0gYZdhAwrIF2XlJv8XbXrjnTdvrMBEx3iloneXg6fESweI8CxRl48b1rjnlb"
    "klu6eY2r8BJ5udxcx3nrmdx0ejfoD596d92Pb3rxmEHzexKWR+57H1iTBXsk85WXe0G9vAF7jc7RFHwppqUQfGDBWId8maFSWXzoPjxWfd5G5c99"
    "/upg2H545QY5frfbib9/O86COH9UerKVf3ELjrp/eu8Lzn/T0rcRgFKem3eAzQQGp4D1wPQggWQwtQGCZAhx2IKTFg6MgtHrrb6C2udewIM50OJr"
    "gz980viDTiJbCYNZGW1Ig1y/myWDi3+EjYOz8U1kg77Ld5+EDyYFQ4QXSsRLhFiLj6uEZ39dbISHyAynhKpAjmiFLnYxu4VBT1qmhZHp81SGFEkY"
    "voYZ6mnJhz+wiUWHwOvKbYfpsakOiClvLp2IOKzohYhKz938iId41EeI4uhWZYjrwxo6iSj2s8uJ/lj0BIowk+6LiltQwYKKXY7FKYp8DIG8iqb/"
    "gimKteeTRIrJc1ngivJR+TSLGxepdIsxeJ9ki3q/OfiLsP7T2owDDAbNjBdMz7GMuldgQozDKPL1jQgnGzWN2bKLsI3gF8jfjf7WvB+OARbp/Y56"
    "GYMljpPBhtGPBrUcU49ouCGqj4xgueSPuQfkMJAy19DTkDsm3Q6QWfeOipCdDGIvkKLgHzuRDILGxZE2+oMskZFiUnSSJ04985LQtY9zky/W3RyU"
    "lpCAlZUVudlaldWyPOyWpgylg5cc7bZZl5ICBBSX0IcBuJgXn+YVmEej93iYSU3kG5hVVFUUmFlJxV+YznRkb5jtaqMXmY627QmZ29U3QJncNKcc"
    "meP4/6OZ5fKIMppYtS+5mtwVaUaa4LBT7pr3Ueq5mzQ0SS+bSbZSpZtOWCkSm2QeGqib0UNbGZwu0my9nFCOgp6cx9BfNp1Pwy9/nVWr152dxpzT"
    "/p3NS4QenePdpA+d6GKdsJ4J5ak8nhn1JK+eXSCFBp6VLBLMnrv0BE2eyAXgcp7dSf6Xnvgih4GfClWIXp8ZJsEfn0I8vWOfsAYFbJ/RRV9ooC5c"
    "2vCgdzkP9qC1KCmMoTGvIPuhMpj6s6E+UPgEoVEggQyhhmkOeqGjMGqKodAAz0Sh1Z6qfaHzC1F2ofvc6wmiM6SgX6JBGQk4olyIPdmiZbYQVqJ9"
    "ZrororwlshyjItyQPKNjZMszo49IyCqjmltYgKOrY0eio8kMhlWj9owCQ6P5MYMhpAG2yRWkYQslv6SbuXfspKn8XeakvFtnj6TI+MKQpPQcTL+l"
    "F+/cv6Vrq2RGpZUJs9allrNJp6Wiqh+VpcF8WEel6md5SKYZ46cLpiz1tQumX7xD6KaeaHLlpstfjdunsHOKu6fGIiIsqDyQqOaorN8wN6jKyKpA"
    "qQseFqmpJCeQU6kwbM9wqXT3s+eqCl0PXapsHEgNqyN186OtN5BJoK2FH2yQrakhovutwgX+ka3m2l3UrgD5XFeuryglc68GxJuyr2TDkZWvnk8r"
    "Vq/sZxAHr/ALeeGwRoNrkLBH3iaSsHL9WN6wuDi2vbFI0GnUsXKT8I+xsSRWM7JDvsOrsprAtiqyr2oqHrKxMj5usvEzFYOza/WerbQ/tiPitFEZ"
    "9s20+OBHn7Ug5nc+tTPyM0K1sE1msbXcLJATtd+99AK2PDai37alYph5tsa4KWm2+lUdyLb7AkwdtvyQ96K39519BLgeLJRLuCegnZ64jslPwbio"
    "CXdAuM3BHT242SCs2bjs3zmiuTRL7Y65SRFe2bldT/bjueLCVBy6TSCh1Lp4v7auutRZruy7B6zUdrskqgy+uyzO4ly7Wukc2LyCQitXvPgyZRa9"
    "MaDD871I0aVyvYpB0UW9i55eCr3Wb2vAvlNdzo++r8kZLL7NWRWAv1AsH/+/en6oYb9/5clnwEoyvSHAd5nBjcDCuUf6wQ0uzeXBjH8v88GhbDCm"
    "wjxoGy3CSWslFcJOkOUkwpFIo1jDksw/GsOpLBC5w86od3zET77w5sSCAzEFxItwt73FGCr+VMU+TVy2xVHyaFfFUyD/CcYTCvrex5goPnnHvY4n"
    "nsfpd38syCP2wPDIOvTqv8hIKcbgyKXOZBTItKerccjiLTQ0yRsvOgHJVTbpnMomZjt6ykkrS9bKXO2QzMqay7pIyrwkqz/LJ4TcjMtNUKf/y3yr"
    "nibLm/n0u8vdlzzuzDk1SPHMU5MKnsykLs6AzRb0L7rNIC0M4813KnMczbLIRW/N7yGC684PJmCZziRSPZnOczB28c6Mhy3bzpqyQdrOtESCLM8M"
    "SYKJzxPOF9zPMPMai89BN0ESz0aTagHQIeNma9Dal5Xb0OAuU5HQ5HNOV9ETLry60a0H4frSf0zEW9Kpw7ty0yCJS8TTPjWNtNPqbuSf1DHuY9PU"
    "PNUhktSFRuM11LkeCwfU/Kbil9VEu0bn1WVmb2HVkCTjvNWfv68n1al13+DWWvu4VdZisIJU1rsc+i/W6iQOCtcXbQHj1yFr2sbXOo+TqNeNBvq5"
    "197xRyPYEe7at9hnu3EP2Kmzl/7ZufvgXdm85Omr2co/W83Z/WokAdn/MhVJ2orIVTTajBQBmNqhQooo2rt43I7a2q0zLNsEhS382439GSvb6PFJ"
    "ydvv3Apz3A9t4UzctPGW79zYWARc3NpCdPTc5hpPr90iAieL3Sym3bLdmT9rGN3JdUbi3hBMdVHeIk0x9d5PPrRa3npMPMLe5kja0t8RKCBs3z3k"
    "gmHfQzZAjN93WR/K34eM7GffxkIVdeDHw4eT4TqHYEThdQX7/+IHJ4ET4iyLjC7iNfHQ9OK3sMKE4s7bOVbi6yUDOOL/mKsw41Kh38TjbsI2jeQX"
    "ltKo5Egtdz7lMzdlJeVWRMsI5V6zo+Plpl7aj+XGMmpA5crxqNfl+alYBOYFNJg/5hzIDwXmJfUW++Yr27W+5tQ3b4znG3jpa+cyOuLI54nV2kPn"
    "m80/U+fIKNS86EXVP/XoTIZpj+hPUlCY6HkcbMro2fKqH+jfGpc16N9hlSvo9Qqwd+kHOIK56U7p+vDpXDOmuelv7p9+6XwMlDHprgsgn+m4gshi"
    "6etZdGjqcPljPOthm7Fg66Ko7unrv38t6+xVNFBZ7KL/gLLs19rt+OztYeMP7RkntjPtPGbl++3ge6cr7mmkn4buagONtu7T8Kxe7uMZXyfvRFEC"
    "0+9UxrC571w+8a/v42JK4/AhurrL8Ca/HALwPbLmAfBcrKZp8M5Sw6nw4LGpCvDlQI3+8SclH1Lx1PkrY/Hl2ph88pqcscHy53YLP/MFL2Vx84uZ"
    "7N/ztTg4FvPQuG4a9AcpeML0CnYKMPQZjGzZ9Hyf9QP0ogaKyfTnI4ZR9STj05r1Kf5kGfVYvr0b9ZNHtHn12bACqPYM4Y+39icFPpT2Tla9AfZj"
    "1HId9sXGi0z3G/JLdPd5EMpg969XSej3wNiy8ffdh8vp9/EaGVD3+JxpG/f+mvac+ATM1F74xwgk1PjX1zl9+QrVyYP5KDC5kPlvp7XG+YD5tcz5"
    "rQ8m0/ocVy68+05VO5T7gbx5BPv2aT3d+/lnVGL8H9vjc/xIqsb9/QwZZH7+BWWV3P5goeLX/nCho33+qS+KY/7KlpOi/x0IanT/QZVAKP9l7YZF"
    "/4G6F3X/9npajw=="
)
PUBLISHED: Final = frozenset(_PREFIXES[at : at + PREFIX_BYTES] for at in range(0, len(_PREFIXES), PREFIX_BYTES))
"""The prefixes of the digests of published secrets."""


def why_guessable(secret: bytes) -> str | None:
    """Return why *secret* could be guessed, in words that do not reveal it, or None."""
    if len(set(secret)) < _LEAST_DISTINCT_BYTES or secret in (secret + secret)[1:-1]:
        return "a secret that repeats itself"
    if sha256(secret).digest()[:PREFIX_BYTES] in PUBLISHED:
        return "a secret that was published"
    if any(mark in secret for mark in _KEY_MARKS):
        return "a secret that is the text of a public key"
    return _why_guessable_text(secret)


def _why_guessable_text(secret: bytes) -> str | None:
    try:
        text = secret.decode()
    except UnicodeDecodeError:
        return None
    if not text.isprintable():
        return None
    if _UUID.fullmatch(text):
        return "a secret that is a UUID"
    if _entropy_bits(text) < _LEAST_BITS:
        return "a secret of too little entropy"
    if sum(map(len, _WORD.findall(text))) * 5 >= len(text) * 3:
        return "a secret made of words"
    return None


def _entropy_bits(text: str) -> float:
    size = len(text)
    return -sum(count * math.log2(count / size) for count in Counter(text).values())


def is_roca(modulus: int) -> bool:
    """Return whether an RSA *modulus* has the ROCA weakness."""
    return all(modulus % prime in powers for prime, powers in _POWERS.items())


def is_small_order(point: bytes) -> bool:
    """Return whether an Ed25519 public key is a point of small order."""
    return int.from_bytes(point, "little") & ((1 << 255) - 1) in _SMALL_ORDER

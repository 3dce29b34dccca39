// The cases of the specifications, by number, in short: what tests and tables are held against.

/** Numbers from the first to the last, such as `L001-L016`. */
const ranges: Readonly<Record<string, string>> = {
  "lifecycle.md 8":
    "L001-L016 L020-L033 L040-L050 L060-L074 L080-L092 L100-L121 L130-L145 L150-L166 L170-L194 L200-L209",
  "envd-http.md 8":
    "SRV-01-SRV-13 COR-01-COR-09 AUT-01-AUT-12 SIG-01-SIG-21 USR-01-USR-11 PTH-01-PTH-16 HLT-01-HLT-02 MET-01-MET-05 ENV-01-ENV-01 " +
    "INI-01-INI-45 SNP-01-SNP-10 GET-01-GET-17 ENC-01-ENC-05 RNG-01-RNG-14 PUT-01-PUT-34 GZU-01-GZU-10 MTA-01-MTA-11 CMP-01-CMP-09 " +
    "FRZ-01-FRZ-08 SEC-01-SEC-12 PRO-01-PRO-20",
  "envd-rpc.md 6": "C01-C34 P01-P45 G01-G08 S01-S64 I01-I26 F01-F34 W01-W28 E01-E08",
};

/** One number. The letters are those of the specifications, so that nothing else looks like one. */
const number = "(?:L\\d{3}|(?:SRV|COR|AUT|SIG|USR|PTH|HLT|MET|ENV|INI|SNP|GET|ENC|RNG|PUT|GZU|MTA|CMP|FRZ|SEC|PRO)-\\d{2}|[CPGSIFWE]\\d{2})";
const oneOrRange = new RegExp(`(?<![\\w-])(${number})(?: to (${number}))?(?![\\w])`, "g");
const atStart = new RegExp(`^${number}(?:(?:, | to )${number})*(?![\\w])`);

/** All numbers from one to another: `C01` to `C03` are three. */
function between(first: string, last: string): string[] {
  const [, prefix = "", from = ""] = /^(\D+)(\d+)$/.exec(first) ?? [];
  const [, other, to] = /^(\D+)(\d+)$/.exec(last) ?? [];
  if (prefix !== other) throw new Error(`${first} to ${last}`);
  return Array.from({ length: Number(to) - Number(from) + 1 }, (_, i) => prefix + `${Number(from) + i}`.padStart(from.length, "0"));
}

/** The numbers of every case. */
export function specified(): Set<string> {
  const all = Object.values(ranges).flatMap((text) => text.split(" "));
  return new Set(all.flatMap((range) => {
    const [, first = "", last = ""] = new RegExp(`^(${number})-(${number})$`).exec(range) ?? [];
    return between(first, last);
  }));
}

/** The numbers in a text, one by one and from one to another. */
export function numbersIn(text: string): string[] {
  return [...text.matchAll(oneOrRange)].flatMap(([, first = "", last]) => between(first, last ?? first));
}

/** The numbers that a name begins with; none where it begins with something else. */
export function numbersOf(name: string): string[] {
  return numbersIn(atStart.exec(name)?.[0] ?? "");
}

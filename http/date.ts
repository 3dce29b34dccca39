/** HTTP-date, RFC 9110 section 5.6.7, in seconds since 1970-01-01 UTC. */

const DAYS = "SunMonTueWedThuFriSat";
const MONTHS = "JanFebMarAprMayJunJulAugSepOctNovDec";
const DAY = 86_400;

/**
 * The days from 1970-01-01 to a date of the proleptic Gregorian calendar, whose month counts from 1. The year is taken to
 * begin in March: what a leap day moves is then the end of a year.
 */
export function daysFromCivil(year: number, month: number, day: number): number {
  const y = month > 2 ? year : year - 1;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return y * 365 + Math.floor(y / 4) - Math.floor(y / 100) + Math.floor(y / 400) + dayOfYear - 719_468;
}

/** A date of the proleptic Gregorian calendar. */
export class Civil {
  readonly year: number;
  /** From 1 on. */
  readonly month: number;
  readonly day: number;

  /** The date so many days after 1970-01-01. */
  constructor(days: number) {
    // Close enough that the year is this one or the one before or after.
    let year = Math.floor(days / 365.2425) + 1970;
    while (daysFromCivil(year, 1, 1) > days) year -= 1;
    while (daysFromCivil(year + 1, 1, 1) <= days) year += 1;
    let month = 12;
    while (daysFromCivil(year, month, 1) > days) month -= 1;
    this.year = year;
    this.month = month;
    this.day = days - daysFromCivil(year, month, 1) + 1;
  }
}

/** An IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`. Seconds may have a fraction, which is dropped. */
export function httpDate(seconds: number): string {
  const days = Math.floor(seconds / DAY);
  const second = Math.floor(seconds) - days * DAY;
  const { year, month, day } = new Civil(days);
  // 1970-01-01 was a Thursday.
  const weekday = (((days + 4) % 7) + 7) % 7;
  const time = `${twoDigits(Math.floor(second / 3600))}:${twoDigits(Math.floor(second / 60) % 60)}:${twoDigits(second % 60)}`;
  return `${nameAt(DAYS, weekday)}, ${twoDigits(day)} ${nameAt(MONTHS, month - 1)} ${`${year}`.padStart(4, "0")} ${time} GMT`;
}

function nameAt(names: string, index: number): string {
  return names.slice(index * 3, index * 3 + 3);
}

function twoDigits(value: number): string {
  return `${value}`.padStart(2, "0");
}

/**
 * What follows the day of the week in the three forms: IMF-fixdate, RFC 850, asctime(3). `_` is a space or a digit of the
 * day; every other letter of a field stands for one character of it.
 */
const FORMS = [", DD MMM YYYY hh:mm:ss GMT", ", DD-MMM-YY hh:mm:ss GMT", " MMM _D hh:mm:ss YYYY"];

/** The seconds that a date in any of the three forms is; undefined where it is none. Seconds of 60 are refused. */
export function parseHttpDate(text: string): number | undefined {
  // Names of weekdays are not held against the date.
  if (DAYS.indexOf(text.slice(0, 3)) % 3 !== 0) return undefined;
  const comma = text.indexOf(",");
  for (const form of FORMS) {
    const seconds = parseForm(text.slice(comma < 0 ? 3 : comma), form);
    if (seconds !== undefined) return seconds;
  }
  return undefined;
}

function parseForm(text: string, form: string): number | undefined {
  if (text.length !== form.length) return undefined;
  let year = 0;
  let day = 0;
  let hour = 0;
  let minute = 0;
  let second = 0;
  for (let i = 0; i < form.length; i++) {
    const digit = text.charCodeAt(i) - 0x30;
    const isDigit = digit >= 0 && digit <= 9;
    switch (form.charAt(i)) {
      case "M": continue;
      case "_":
        if (text.charAt(i) === " ") continue;
        day = digit;
        break;
      case "D": day = day * 10 + digit; break;
      case "Y": year = year * 10 + digit; break;
      case "h": hour = hour * 10 + digit; break;
      case "m": minute = minute * 10 + digit; break;
      case "s": second = second * 10 + digit; break;
      default:
        if (text.charAt(i) !== form.charAt(i)) return undefined;
        continue;
    }
    if (!isDigit) return undefined;
  }
  const named = form.indexOf("MMM");
  const index = MONTHS.indexOf(text.slice(named, named + 3));
  const month = index / 3 + 1;
  // Two digits are those of the years 1969 to 2068.
  if (!form.includes("YYYY")) year += year < 69 ? 2000 : 1900;
  if (index < 0 || index % 3 !== 0 || day < 1 || hour > 23 || minute > 59 || second > 59) return undefined;
  const days = daysFromCivil(year, month, day);
  const next = month === 12 ? daysFromCivil(year + 1, 1, 1) : daysFromCivil(year, month + 1, 1);
  return days < next ? days * DAY + hour * 3600 + minute * 60 + second : undefined;
}

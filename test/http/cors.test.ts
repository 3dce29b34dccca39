import { expect, test } from "bun:test";
import { corsHeaders, isPreflight, preflightHeaders } from "../../http/cors.ts";

const VARY = "Vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers\r\n";

test("a preflight is an OPTIONS that asks for a method", () => {
  expect(isPreflight("OPTIONS", "GET")).toBe(true);
  expect(isPreflight("OPTIONS", "")).toBe(false);
  expect(isPreflight("GET", "GET")).toBe(false);
});

test("a preflight is told what it asked for", () => {
  expect(preflightHeaders("https://a", "PUT", "authorization, x-access-token")).toBe(
    `${VARY}Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Methods: PUT\r\n` +
    "Access-Control-Allow-Headers: authorization, x-access-token\r\nAccess-Control-Max-Age: 7200\r\n",
  );
  expect(preflightHeaders("null", "GET", "")).not.toContain("Allow-Headers");
});

for (const method of ["HEAD", "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
  test(`${method} is allowed`, () => expect(preflightHeaders("x", method, "")).toContain(`Access-Control-Allow-Methods: ${method}\r\n`));
}

test("without an origin, and for another method, only what it varies with", () => {
  expect(preflightHeaders("", "GET", "x")).toBe(VARY);
  for (const method of ["TRACE", "get", "", " ", "GET POST", "ET"]) {
    expect(preflightHeaders("https://a", method, "x")).toBe(VARY);
    expect(corsHeaders("https://a", method, "", "A")).toBe("Vary: Origin\r\n");
  }
});

test("a response says what a page may see", () => {
  expect(corsHeaders("", "GET", "", "A, B")).toBe("Vary: Origin\r\n");
  expect(corsHeaders("", "GET", "Accept-Encoding", "A, B")).toBe("Vary: Origin, Accept-Encoding\r\n");
  expect(corsHeaders("https://a", "GET", "", "A, B")).toBe("Vary: Origin\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Expose-Headers: A, B\r\n");
});

/** The version that `--version` and `ping` name; package.json says the same. */
export const VERSION = "0.1.0";

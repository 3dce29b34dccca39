/** What holds for requests and processes that say nothing else; envd-http.md 2.7. Only `/init` changes it. */
import { Environment } from "./environment.ts";

export class Defaults {
  /** The name of a user, who may not exist. */
  user = "root";
  /** A path as paths of requests are; empty for none. */
  workdir = "";
  readonly environment = new Environment();
}

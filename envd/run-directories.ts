/** The directories in which envd says who and where it is, under the names that both hosts look for; lifecycle.md 4.3. */
import { SysError } from "../sys/errno.ts";
import { Level, log } from "../sys/log.ts";
import { makeDirectory } from "../sys/node.ts";
import { readLine, replaceText } from "../sys/text.ts";
import type { Environment } from "./environment.ts";

const PUBLIC = 0o755;
const READABLE = 0o444;
const REPLACEABLE = 0o644;
const WRENN_FILES = "/run/wrenn/.WRENN_";

/** Makes both, with the file that says whether this is a microVM of Firecracker's. Logs what fails. */
export function makeRunDirectories(isMicroVm: boolean): void {
  attempt(() => {
    makeDirectory("/run/wrenn", PUBLIC);
    replaceText("/run/wrenn/.WRENN_SANDBOX", `${isMicroVm}`, READABLE);
  });
  attempt(() => {
    makeDirectory("/run/e2b", PUBLIC);
    replaceText("/run/e2b/.E2B_SANDBOX", `${isMicroVm}`, READABLE);
  });
}

/** Says which guest this is, and of which template: in files, each replaced in one step, and in the environment. */
export function publishIds(environment: Environment, instance: string, template: string): void {
  setIds(environment, instance, template);
  write(`${WRENN_FILES}SANDBOX_ID`, instance);
  write(`${WRENN_FILES}TEMPLATE_ID`, template);
  write("/run/e2b/.E2B_SANDBOX_ID", instance);
  write("/run/e2b/.E2B_TEMPLATE_ID", template);
}

/** Puts into the environment what an earlier process has published. Returns which guest this is; empty where none has. */
export function publishedIds(environment: Environment): string {
  let instance = "";
  attempt(() => {
    instance = readLine(`${WRENN_FILES}SANDBOX_ID`) ?? "";
    if (instance !== "") setIds(environment, instance, readLine(`${WRENN_FILES}TEMPLATE_ID`) ?? "");
  });
  return instance;
}

function setIds(environment: Environment, instance: string, template: string): void {
  environment.setInternal("WRENN_SANDBOX_ID", instance);
  environment.setInternal("WRENN_TEMPLATE_ID", template);
  environment.setInternal("E2B_SANDBOX_ID", instance);
  environment.setInternal("E2B_TEMPLATE_ID", template);
}

function write(path: string, text: string): void {
  attempt(() => replaceText(path, text, REPLACEABLE));
}

function attempt(step: () => void): void {
  try {
    step();
  } catch (error) {
    if (!(error instanceof SysError)) throw error;
    log(Level.WARN, error.describe());
  }
}

import { afterAll, expect, test } from "bun:test";
import fc from "fast-check";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { moduleName, orderByName, orderByTable, planModules, wantedModules } from "../../init/modules.ts";
import { remove, scratchDirectory } from "../scratch.ts";

const scratch = scratchDirectory();
afterAll(() => remove(scratch));

test.each([
  ["kernel/net/vsock.ko", "vsock"],
  ["/lib/modules/6/kernel/drivers/char/hw_random/virtio-rng.ko", "virtio_rng"],
  ["virtio_net.ko.xz", "virtio_net"],
  ["a-b_c.ko.gz", "a_b_c"],
  ["x.ko.zst", "x"],
  ["x.ko.debug", ""],
  ["x.koala", ""],
  [".ko", ""],
  ["modules.dep", ""],
  ["", ""],
])("%j holds %j", (path, name) => {
  expect(moduleName(path)).toBe(name);
});

test("modules.dep: the last that a module needs is loaded first", () => {
  const table = [
    "kernel/net/vsock.ko:",
    "kernel/net/vsock_loopback.ko: kernel/net/common.ko kernel/net/vsock.ko",
    "kernel/drivers/net/virtio_net.ko: kernel/net/net_failover.ko kernel/net/failover.ko kernel/virtio/virtio.ko",
    "kernel/drivers/other.ko: kernel/never.ko",
    "",
  ].join("\n");
  expect(orderByTable(table, ["virtio_net", "vsock", "vsock_loopback", "missing"])).toEqual([
    "kernel/virtio/virtio.ko", "kernel/net/failover.ko", "kernel/net/net_failover.ko", "kernel/drivers/net/virtio_net.ko",
    "kernel/net/vsock.ko", "kernel/net/common.ko", "kernel/net/vsock_loopback.ko",
  ]);
});

test.each(["", "\n\n", "no colon\n", ":\n", "vsock.ko", "x: vsock.ko:"])("modules.dep of %j names nothing", (table) => {
  expect(orderByTable(table, ["vsock"])).toEqual([]);
});

test("every file comes once, after all that it needs", () => {
  // Module N may need modules below N; depmod writes all of them, the first to load last.
  const needs = fc.array(fc.array(fc.nat({ max: 11 })), { minLength: 1, maxLength: 12 });
  fc.assert(fc.property(needs, fc.infiniteStream(fc.boolean()), (direct, coins) => {
    const closures: Set<number>[] = [];
    for (const [index, below] of direct.entries()) {
      const closure = new Set<number>();
      for (const need of below.filter((candidate) => candidate < index)) {
        closure.add(need);
        for (const further of closures[need] ?? []) closure.add(further);
      }
      closures.push(closure);
    }
    const file = (index: number): string => `kernel/m-${index}.ko`;
    const lines = closures.map((closure, index) => `${file(index)}:${[...closure].sort((a, b) => b - a).map((n) => ` ${file(n)}`).join("")}`);
    const wanted = closures.map((_, index) => `m_${index}`).filter(() => coins.next().value);
    const order = orderByTable(lines.join("\n"), wanted);
    expect(new Set(order).size).toBe(order.length);
    for (const [index, closure] of closures.entries()) {
      const at = order.indexOf(file(index));
      if (wanted.includes(`m_${index}`)) expect(at).toBeGreaterThanOrEqual(0);
      if (at >= 0) for (const need of closure) expect(order.slice(0, at)).toContain(file(need));
    }
  }));
});

test("without a table the order is ours", () => {
  const files = ["b/vsock.ko", "a/vsock_loopback.ko", "z/virtio-rng.ko", "c/virtio.ko.xz"];
  expect(orderByName(files, wantedModules())).toEqual(["c/virtio.ko.xz", "b/vsock.ko", "a/vsock_loopback.ko", "z/virtio-rng.ko"]);
});

function tree(name: string, files: Record<string, string>): string {
  const root = join(scratch, name);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return root;
}

test("a tree is searched by name, links left alone", () => {
  const root = tree("plain", {
    "kernel/drivers/virtio/virtio.ko": "", "kernel/net/vmw_vsock/vsock.ko.gz": "", "kernel/fs/ext4.ko": "",
    "elsewhere/virtio-rng.ko": "", "modules.order": "",
  });
  symlinkSync("..", join(root, "build"));
  expect(planModules(root)).toEqual(["kernel/drivers/virtio/virtio.ko", "kernel/net/vmw_vsock/vsock.ko.gz", "elsewhere/virtio-rng.ko"]);
});

test("a tree with a table is not searched", () => {
  const root = tree("table", { "modules.dep": "x/vsock.ko:\n", "kernel/virtio.ko": "" });
  expect(planModules(root)).toEqual(["x/vsock.ko"]);
});

test("no tree, no modules", () => {
  expect(planModules(join(scratch, "nothing"))).toEqual([]);
});

test("a tree too deep is searched as far as it is bounded", () => {
  const root = tree("deep", { [`${"d/".repeat(200)}vsock.ko`]: "", "d/virtio.ko": "" });
  expect(planModules(root)).toEqual(["d/virtio.ko"]);
});

// QEMU's monitor: one JSON object a line, QEMU's docs/interop/qmp-spec.txt.

type Answer = { return?: unknown; error?: { desc: string } };

export class Monitor {
  readonly #answers: { resolve: (answer: Answer) => void; reject: (error: Error) => void }[] = [];
  #socket: Bun.Socket<undefined> | undefined;
  #rest = "";

  private constructor() {}

  static async connect(path: string): Promise<Monitor> {
    const monitor = new Monitor();
    monitor.#socket = await Bun.connect({
      unix: path,
      socket: { data: (_, chunk) => monitor.#take(chunk), close: () => monitor.close() },
    });
    await monitor.execute("qmp_capabilities");
    return monitor;
  }

  /** What a command returns. Throws where QEMU refuses it or ends. */
  async execute(command: string, options: Record<string, unknown> = {}): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<Answer>();
    this.#answers.push({ resolve, reject });
    this.#socket?.write(`${JSON.stringify({ execute: command, arguments: options })}\n`);
    const answer = await promise;
    if (answer.error !== undefined) throw new Error(`QEMU refuses ${command}: ${answer.error.desc}`);
    return answer.return;
  }

  /** The status that a query tells; undefined where there is none yet. */
  async status(query: string): Promise<string | undefined> {
    return ((await this.execute(query)) as { status?: string }).status;
  }

  /** What a command of the monitor for people prints. */
  async human(line: string): Promise<string> {
    return String(await this.execute("human-monitor-command", { "command-line": line }));
  }

  close(): void {
    this.#socket?.end();
    for (const { reject } of this.#answers.splice(0)) reject(new Error("QEMU closed its monitor"));
  }

  #take(chunk: Buffer): void {
    const lines = `${this.#rest}${chunk.toString()}`.split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const message: Answer = JSON.parse(line);
      // The rest are a greeting and events.
      if ("return" in message || "error" in message) this.#answers.shift()?.resolve(message);
    }
  }
}

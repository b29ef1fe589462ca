// What the peer's own development adapter does, without its limit of 1,000 entries.
export class Memory {
  static #kept = new Map();
  static #grants = new Map();

  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload, seconds) {
    const key = `${this.kind}:${id}`;
    Memory.#kept.set(key, { payload, until: Date.now() + seconds * 1000 });
    if (this.kind === 'Session') Memory.#kept.set(`uid:${payload.uid}`, { payload: id, until: Infinity });
    if (payload.grantId && this.kind !== 'Grant') {
      const members = Memory.#grants.get(payload.grantId) ?? new Set();
      Memory.#grants.set(payload.grantId, members.add(key));
    }
  }

  async find(id) {
    const found = Memory.#kept.get(`${this.kind}:${id}`);
    return found && found.until > Date.now() ? found.payload : undefined;
  }

  async findByUid(uid) {
    const id = Memory.#kept.get(`uid:${uid}`);
    return id && this.find(id.payload);
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    const found = await this.find(id);
    if (found) found.consumed = Math.floor(Date.now() / 1000);
  }

  async destroy(id) {
    Memory.#kept.delete(`${this.kind}:${id}`);
  }

  async revokeByGrantId(grantId) {
    for (const key of Memory.#grants.get(grantId) ?? []) Memory.#kept.delete(key);
    Memory.#grants.delete(grantId);
  }
}

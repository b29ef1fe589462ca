// What the peer's documentation suggests for several processes: everything in Redis, one key an entry.
import { createClient } from 'redis';

export class Redis {
  static #client;

  static async connect(url) {
    Redis.#client = await createClient({ url }).on('error', console.error).connect();
  }

  constructor(kind) {
    this.kind = kind;
  }

  async upsert(id, payload, seconds) {
    const key = `${this.kind}:${id}`;
    const all = Redis.#client.multi();
    all.set(key, JSON.stringify(payload), { EX: seconds });
    if (this.kind === 'Session') all.set(`uid:${payload.uid}`, id, { EX: seconds });
    if (payload.grantId && this.kind !== 'Grant') {
      all.rPush(`grant:${payload.grantId}`, key);
      all.expire(`grant:${payload.grantId}`, 86400);
    }
    await all.exec();
  }

  async find(id) {
    const found = await Redis.#client.get(`${this.kind}:${id}`);
    return found ? JSON.parse(found) : undefined;
  }

  async findByUid(uid) {
    const id = await Redis.#client.get(`uid:${uid}`);
    return id ? this.find(id) : undefined;
  }

  async findByUserCode() {
    return undefined;
  }

  async consume(id) {
    const found = await this.find(id);
    if (!found) return;
    found.consumed = Math.floor(Date.now() / 1000);
    await Redis.#client.set(`${this.kind}:${id}`, JSON.stringify(found), { KEEPTTL: true });
  }

  async destroy(id) {
    await Redis.#client.del(`${this.kind}:${id}`);
  }

  async revokeByGrantId(grantId) {
    const members = await Redis.#client.lRange(`grant:${grantId}`, 0, -1);
    await Redis.#client.del([...members, `grant:${grantId}`]);
  }
}

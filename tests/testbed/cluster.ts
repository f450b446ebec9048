/**
 * A replicated store over RDMA verbs in three virtual machines, whose machines are paused, cut off, killed and booted again:
 * what was acknowledged is kept, all end with the same bytes, and what every core was given replays offline. One story,
 * told in the order of its tests.
 */
import { type RedisClientType, createClient } from 'redis'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  type Cluster,
  type MemberStatus,
  type ReplicaDigest,
  askMember,
  machineHarm,
  readCluster,
} from '../../runner/index.js'
import type { Testbed } from '../../runner/testbed/index.js'
import { aviary, folderWith, jsonOf, said, start } from '../cli/support.js'
import { BOOT_MILLIS, SLOW_HOST, chaosJson } from './support.js'

const MEMBERS = [0, 1, 2]
const PATIENCE = { timeout: 150_000, interval: 100 }
const ANSWER_MILLIS = 20_000
/** Requests that are sent at once just before their leader stops. */
const UNDER_WAY = 20

/** Rejects when it takes longer: a client whose server is silent waits for ever. */
const answered = <T>(promise: Promise<T>): Promise<T> =>
  Promise.race([
    promise,
    new Promise<never>((_, reject) => {
      setTimeout(() => {
        reject(new Error(`no answer within ${String(ANSWER_MILLIS)} ms`))
      }, ANSWER_MILLIS).unref()
    }),
  ])

const replayJson = z.object({
  outcome: z.string(),
  lives: z.array(z.object({ node: z.number(), life: z.number(), effects: z.number(), ending: z.string() })),
  history: z.object({ verdict: z.string(), operations: z.number() }).nullable(),
})

export function describeCluster(bed: () => { readonly name: string; readonly testbed: Testbed }): void {
  const acknowledged = new Map<string, string>()
  /** Operations are at least as many; the gateway makes one of commands that come together. */
  let batches = 0
  let home: string
  let run: ReturnType<typeof start> | undefined
  let file: string
  let cluster: Cluster

  beforeAll(async () => {
    home = folderWith()
    const args = ['--testbed', bed().name, '--port', '0', '--record', 'recordings']
    run = start(home, ['run', 'apus', ...args, ...SLOW_HOST])
    const words = await said(run, 'Stop:', 'stdout')
    file = /aviary status (\S+)\n/.exec(words)![1]!
    cluster = readCluster(file)
  }, BOOT_MILLIS)

  afterAll(async () => {
    run?.child.kill('SIGTERM')
    await run?.ended
  }, BOOT_MILLIS)

  const statusOf = async (member: number): Promise<MemberStatus> =>
    (await askMember(cluster, member, { kind: 'status' })) as MemberStatus

  /** The state of a member's own end of the queue pair on which the protocol writes into another one's memory. */
  const pairOf = ({ peers }: MemberStatus, to: number): string =>
    peers.find(({ member }) => member === to)!.queuePairs[0]!

  const others = (member: number): number[] => MEMBERS.filter((each) => each !== member)

  /** Waits for a leader among these members that all of them follow. */
  async function leaderAmong(members: readonly number[]): Promise<number> {
    return vi.waitFor(async () => {
      const statuses = await Promise.all(members.map(statusOf))
      const leader = statuses.find(({ service }) => service?.leads === true)
      expect(leader, 'nobody leads').toBeDefined()
      expect(statuses.map(({ service }) => service?.leader)).toEqual(members.map(() => leader!.member))
      return leader!.member
    }, PATIENCE)
  }

  async function connected(member: number): Promise<RedisClientType> {
    const client: RedisClientType = createClient({
      socket: { ...cluster.members[member]!.clients!, reconnectStrategy: false },
    })
    client.on('error', () => undefined)
    await answered(client.connect())
    return client
  }

  async function withClient<T>(member: number, work: (client: RedisClientType) => Promise<T>): Promise<T> {
    const client = await connected(member)
    try {
      return await answered(work(client))
    } finally {
      client.destroy()
    }
  }

  /** Sets keys through a member, again and again until each is acknowledged. */
  async function set(member: number, keys: readonly string[], value: string): Promise<void> {
    await vi.waitFor(
      () => withClient(member, (client) => Promise.all(keys.map((key) => client.set(key, value)))),
      PATIENCE,
    )
    for (const key of keys) acknowledged.set(key, value)
    batches++
  }

  /** All are members, hold the same bytes, and answer with what was acknowledged. */
  async function expectAgreement(): Promise<void> {
    await vi.waitFor(async () => {
      const statuses = await Promise.all(MEMBERS.map(statusOf))
      expect(statuses.map(({ service }) => service?.isMember)).toEqual([true, true, true])
      const digests = (await Promise.all(
        MEMBERS.map((member) => askMember(cluster, member, { kind: 'digest' })),
      )) as ReplicaDigest[]
      // Not how far each has applied: a follower hears with the next entry that the last one is committed.
      expect(new Set(digests.map(({ digest }) => digest)).size).toBe(1)
    }, PATIENCE)
    for (const member of MEMBERS) {
      const keys = [...acknowledged.keys()]
      const values = await vi.waitFor(() => withClient(member, (client) => client.mGet(keys)), PATIENCE)
      expect(values).toEqual([...acknowledged.values()])
    }
  }

  test('three replicas commit what a client sets, over queue pairs that are ready to send', async () => {
    const leader = await leaderAmong(MEMBERS)
    for (const member of MEMBERS) await set(member, [`through-${String(member)}`], 'first')
    await vi.waitFor(async () => {
      const status = await statusOf(leader)
      expect(others(leader).map((to) => pairOf(status, to))).toEqual(['readyToSend', 'readyToSend'])
    }, PATIENCE)
    await expectAgreement()
  })

  test('a WRITE that was reported failed and lands when its target goes on is harmless', async () => {
    const leader = await leaderAmong(MEMBERS)
    const late = others(leader)[0]!
    await bed().testbed.ask({ op: 'pause', machine: late })
    try {
      // The entries wait in the network of the machine, which nobody has told that they are not wanted any more.
      await set(leader, ['while-a-follower-was-paused'], 'one')
      await vi.waitFor(async () => {
        expect(pairOf(await statusOf(leader), late), 'no request to it has failed yet').not.toBe(
          'readyToSend',
        )
      }, PATIENCE)
      await set(leader, ['while-a-follower-was-paused'], 'two')
    } finally {
      await bed().testbed.ask({ op: 'resume', machine: late })
    }
    await expectAgreement()
  })

  test('a leader whose machine was paused is fenced by the queue pairs; what it had under way does no harm', async () => {
    const former = await leaderAmong(MEMBERS)
    await set(former, ['read-by-the-zombie'], 'before')
    const zombie = await connected(former)
    const keys = Array.from({ length: UNDER_WAY }, (_, i) => `under-way-${String(i)}`)
    const early = new Set<string>()
    let isPaused = false
    const sent = keys.map((key) =>
      zombie.set(key, 'old').then(
        () => (isPaused ? undefined : early.add(key)),
        () => undefined,
      ),
    )
    await bed().testbed.ask({ op: 'pause', machine: former })
    isPaused = true
    let read: Promise<string | null>
    let deposedIn: number
    try {
      // What it finds first when it goes on.
      read = zombie.get('read-by-the-zombie')
      read.catch(() => undefined)
      const latter = await leaderAmong(others(former))
      // It is let in nowhere any more, whatever it may still write.
      const follower = others(former).find((each) => each !== latter)!
      expect(pairOf(await statusOf(follower), former)).toBe('reset')
      await set(latter, ['read-by-the-zombie', ...keys], 'new')
      deposedIn = (await statusOf(latter)).service!.view
    } finally {
      await bed().testbed.ask({ op: 'resume', machine: former })
    }
    expect(await answered(read).catch(() => 'no answer')).not.toBe('before')
    // Those that it forgets are not answered.
    await answered(Promise.all(sent)).catch(() => undefined)
    zombie.destroy()
    await vi.waitFor(async () => {
      const { service } = await statusOf(former)
      expect(service!.view, 'the zombie is still in its old view').toBeGreaterThanOrEqual(deposedIn)
      expect(service!.isMember).toBe(true)
    }, PATIENCE)
    await set(former, ['after-the-resume'], 'last')
    // Of what had not been answered when it stopped, the zombie may have asked the new leader once more.
    const values = await vi.waitFor(() => withClient(former, (client) => client.mGet(keys)), PATIENCE)
    expect(early.size, 'nothing was under way').toBeLessThan(UNDER_WAY)
    keys.forEach((key, i) => {
      expect(early.has(key) ? ['new'] : ['new', 'old']).toContain(values[i])
      acknowledged.set(key, values[i]!)
    })
    await expectAgreement()
  })

  test('a leader whom nobody hears any more is deposed, and follows when it is heard again', async () => {
    const former = await leaderAmong(MEMBERS)
    for (const to of others(former)) await bed().testbed.ask({ op: 'cut', from: former, to })
    const latter = await leaderAmong(others(former))
    await set(latter, ['while-it-was-mute'], 'said')
    expect((await bed().testbed.status()).cuts).toHaveLength(2)
    await bed().testbed.ask({ op: 'heal' })
    await set(former, ['heard-again'], 'said')
    await expectAgreement()
  })

  test('the leader’s machine is killed: the others go on; booted again, it catches up', async () => {
    const former = await leaderAmong(MEMBERS)
    const { incarnation, pid } = await statusOf(former)
    const harm = machineHarm(bed().testbed)
    await harm.kill([{ member: former, pid }], 'machine')
    const latter = await leaderAmong(others(former))
    await set(
      latter,
      Array.from({ length: 5 }, (_, i) => `without-it-${String(i)}`),
      'kept',
    )
    await harm.bringBack([former])
    await vi.waitFor(async () => {
      const status = await statusOf(former)
      expect(status.incarnation).toBe(incarnation! + 1)
      expect(status.service?.isMember).toBe(true)
    }, PATIENCE)
    await set(former, ['through-the-one-that-came-back'], 'last')
    await expectAgreement()
    const commits = (await Promise.all(MEMBERS.map(statusOf))).map(({ service }) => service!.commit)
    expect(Math.max(...commits) - Math.min(...commits)).toBeLessThanOrEqual(1)
  })

  // A cut of what chaos.long.ts does for ten minutes each.
  test('aviary chaos, which harms machines and links from a seed, finds nothing', async () => {
    const time = ['--seconds', '8', '--seed', '116262']
    const ended = await aviary(home, 'chaos', file, '--testbed', bed().name, ...time, '--json')
    const result = jsonOf(chaosJson, ended)
    expect(result, ended.stderr).toMatchObject({ verdict: 'linearizable', diverged: null, stalled: null })
    expect(ended.code).toBe(0)
    expect(result.nodes).toBe(3)
    expect(result.operations).toBeGreaterThan(20)
    // Its plan begins with a leader that nobody hears; how far a slow host comes is not said.
    expect(result.silences.map(({ kind }) => kind)).toContain('cut')
    expect((await bed().testbed.status()).machines.map(({ state }) => state)).toEqual([
      'ready',
      'ready',
      'ready',
    ])
    await expectAgreement()
  })

  test('stopped, it brings its recordings home, and they replay without the machines', async () => {
    run!.child.kill('SIGTERM')
    const { code, stderr } = await run!.ended
    expect(code, stderr).toBe(0)
    const replayed = await aviary(home, 'replay', 'recordings', '--json')
    expect(replayed.code, replayed.stderr).toBe(0)
    const { outcome, lives, history } = jsonOf(replayJson, replayed)
    expect(outcome).toBe('reproduced')
    expect(new Set(lives.map(({ node }) => node))).toEqual(new Set(MEMBERS))
    expect(lives.some(({ life }) => life === 1)).toBe(true)
    for (const { effects } of lives) expect(effects).toBeGreaterThan(100)
    // As far as clocks of different machines, of which one was booted twice, let it be told.
    expect(history?.verdict).toBe('sequential')
    expect(history!.operations).toBeGreaterThanOrEqual(batches)
  })
}

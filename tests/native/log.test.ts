// The durable log as JavaScript has it. What faults of the disk do to it at each system call, and flipped bits at each byte,
// is in cc/log_test.cc.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CompletionKind, type LogOptions, type NativeNode } from '../../native/index.js'
import { Status, forEachRecord } from '../../protocol/index.js'
import { completionsOf, open, turn } from './support.js'

function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'aviary-log-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  return join(folder, 'log')
}

const openLog = (folder: string, more: Partial<LogOptions> = {}): NativeNode =>
  open({ log: { folder, segmentBytes: 65536, ...more } })

function append(node: NativeNode, text: string): void {
  node.output.set(Buffer.from(text))
  node.append(0, text.length)
  turn(node)
}

async function flush(node: NativeNode, token: number): Promise<number> {
  node.flush(token)
  const [ended] = await completionsOf(node, 1)
  expect(ended).toMatchObject({ kind: CompletionKind.stored, token })
  return ended!.status
}

function recordsOf(node: NativeNode): string[] {
  const records: string[] = []
  forEachRecord(new DataView(node.recovered), node.recovered.byteLength, (offset, length, isWhole) => {
    expect(isWhole).toBe(true)
    records.push(Buffer.from(node.recovered, offset, length).toString())
  })
  return records
}

const contentOf = (folder: string): string[] => {
  const node = openLog(folder)
  const records = recordsOf(node)
  node.close()
  return records
}

describe.each([true, false])('with io_uring: %s', (ioUring) => {
  test('what was flushed is found again, in order, with records of any length', async () => {
    const folder = freshFolder()
    const node = openLog(folder, { ioUring })
    expect(recordsOf(node)).toEqual([])
    const records = ['', 'a', 'four', 'x'.repeat(3001), 'last']
    for (const record of records) append(node, record)
    expect(await flush(node, 3)).toBe(Status.ok)
    node.close()
    expect(contentOf(folder)).toEqual(records)
  })

  test('what was truncated is gone with the next flush', async () => {
    const folder = freshFolder()
    const node = openLog(folder, { ioUring })
    for (const record of ['a', 'b', 'c', 'd']) append(node, record)
    expect(await flush(node, 0)).toBe(Status.ok)
    node.truncate(3)
    expect(await flush(node, 1)).toBe(Status.ok)
    append(node, 'e')
    expect(await flush(node, 2)).toBe(Status.ok)
    node.close()
    expect(contentOf(folder)).toEqual(['d', 'e'])
  })

  test('a writer that is killed at any time has lost nothing that a flush covered', async () => {
    const folder = freshFolder()
    let promised = 0
    for (let round = 0; round < 5; round++) {
      const child = runWriter(folder, 900, ioUring)
      await child.durableBeyond(5)
      await new Promise((resolve) => setTimeout(resolve, round * 3))
      const { durable } = await child.kill()
      promised += durable
      const found = contentOf(folder)
      expect(found.length).toBeGreaterThanOrEqual(promised)
      // What was appended and not covered may be there too; from here on it is durable.
      promised = found.length
      for (const record of found) expect(record.length).toBe(900)
    }
  })
})

test('flushes complete in order, each with its token', async () => {
  const node = openLog(freshFolder())
  for (let token = 0; token < 40; token++) {
    node.append(0, 100)
    node.flush(token)
  }
  const ended = await completionsOf(node, 40)
  expect(ended.map(({ token, status }) => [token, status])).toEqual(
    Array.from({ length: 40 }, (_, i) => [i, 0]),
  )
})

test('more flushes or more bytes than there is room for are refused, and may be asked for later', async () => {
  const node = openLog(freshFolder(), { bufferBytes: 4096 })
  for (let token = 0; token < 64; token++) node.flush(token)
  node.flush(64)
  expect(() => node.turn()).toThrow(expect.objectContaining({ code: 'storageFull', index: 64 }))
  await completionsOf(node, 64)
  expect(await flush(node, 1)).toBe(Status.ok)
  // Longer than the buffer could ever take.
  node.append(0, 3000)
  expect(() => node.turn()).toThrow(expect.objectContaining({ code: 'length' }))
})

describe('a torn tail', () => {
  /** Three records that a flush covers and two that none does, written all the same. */
  async function tornLog(): Promise<{ folder: string; segment: string; end: number }> {
    const folder = freshFolder()
    const node = openLog(folder)
    for (const record of ['one', 'two', 'three']) append(node, record)
    await flush(node, 0)
    node.close()
    const segment = join(
      folder,
      readdirSync(folder).find((name) => name.startsWith('segment'))!,
    )
    const bytes = readFileSync(segment)
    return { folder, segment, end: bytes.lastIndexOf('three') + 8 }
  }

  test('is cut when it is past what a flush covered', async () => {
    const { folder, segment, end } = await tornLog()
    const bytes = readFileSync(segment)
    // The header of a record that was to come, and some of its bytes.
    bytes.write('torn', end)
    bytes.writeUInt32LE(100, end + 4)
    bytes.writeBigUInt64LE(3n, end + 8)
    bytes.fill(0x55, end + 24, end + 60)
    writeFileSync(segment, bytes)
    expect(contentOf(folder)).toEqual(['one', 'two', 'three'])
    const node = openLog(folder)
    append(node, 'four')
    expect(await flush(node, 1)).toBe(Status.ok)
    node.close()
    expect(contentOf(folder)).toEqual(['one', 'two', 'three', 'four'])
  })

  test('is reported, and nothing changed, when a flush had covered it', async () => {
    const { folder, segment } = await tornLog()
    const bytes = readFileSync(segment)
    bytes[bytes.lastIndexOf('three')]! ^= 1
    writeFileSync(segment, bytes)
    for (let again = 0; again < 2; again++)
      expect(() => openLog(folder)).toThrow(
        expect.objectContaining({
          name: 'NativeError',
          code: 'ERR_LOG_DAMAGED',
          message: expect.stringMatching(
            /record 2 of the log .*segment-00000001 at byte \d+.* first 3 durable/,
          ) as string,
        }),
      )
    expect(readFileSync(segment).equals(bytes)).toBe(true)
  })
})

test('a log is open once', () => {
  const folder = freshFolder()
  openLog(folder)
  expect(() => openLog(folder)).toThrow(expect.objectContaining({ code: 'ERR_LOG_IN_USE' }))
  expect(() => openLog(join(folder, 'no', 'parent'))).toThrow(expect.objectContaining({ code: 'ERR_LOG' }))
})

test.each([true, false])(
  'a file that may not grow fails flushes as full, and later ones are good again (io_uring: %s)',
  async (ioUring) => {
    const folder = freshFolder()
    const child = runWriter(folder, 2000, ioUring)
    await child.durableBeyond(6)
    // No file may be written beyond its first 4,096 bytes from now on, which the system enforces.
    child.limitFiles('4096:')
    await child.failures(2)
    child.limitFiles('unlimited:')
    const before = child.durable()
    await child.durableBeyond(before + 6)
    const { durable, statuses } = await child.kill()
    expect([...statuses].sort()).toEqual([Status.ok, Status.diskFull])
    const found = contentOf(folder).map((record) => Buffer.from(record, 'latin1'))
    expect(found.length).toBeGreaterThanOrEqual(durable)
  },
)

/** Runs `log-writer.mjs`. */
function runWriter(folder: string, length: number, ioUring: boolean) {
  const script = fileURLToPath(new URL('log-writer.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, folder, String(length), String(ioUring)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
  const ended = new Promise((resolve) => child.once('close', resolve))
  const lines = (): number[][] =>
    text
      .slice(0, text.lastIndexOf('\n') + 1)
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' ').map(Number))
  const wait = async (what: string, condition: () => boolean): Promise<void> => {
    for (let i = 0; !condition(); i++) {
      if (i > 4000 || child.exitCode !== null) throw new Error(`in vain: ${what}\n${text.slice(-200)}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const durable = (): number => lines().at(-1)?.[1] ?? 0
  onTestFinished(() => {
    child.kill('SIGKILL')
  })
  return {
    durable,
    durableBeyond: (count: number) => wait(`${String(count)} durable records`, () => durable() > count),
    failures: (count: number) =>
      wait('failures', () => lines().filter(([status]) => status !== 0).length >= count),
    limitFiles: (limit: string) => execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${limit}`]),
    async kill() {
      child.kill('SIGKILL')
      await ended
      return { durable: durable(), statuses: new Set(lines().map(([status]) => status)) }
    },
  }
}

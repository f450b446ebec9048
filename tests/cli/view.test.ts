// `aviary view` as a user runs it: what it serves, to whom, and that the worker it serves runs the user's own cores.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL, fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { decodeTrace } from '../../sim/trace/index.js'
import { connect } from '../../viz/session/client.js'
import type { SessionClient } from '../../viz/session/protocol.js'
import { aviary, folderWith, relay, traceOfRelay } from './support.js'
import { get, manifestOf, view } from './viewing.js'

const apusTrace = fileURLToPath(new URL('../apus/traces/longest-log-wins.aviary', import.meta.url))

/** The worker as it is served, in a thread of Node that looks like a web worker to it. */
async function sessionOf(url: string, cwd: string): Promise<SessionClient> {
  const { bytes, type } = await get(`${url}worker.js`)
  expect(type).toMatch(/javascript/)
  writeFileSync(join(cwd, 'worker.mjs'), bytes)
  writeFileSync(
    join(cwd, 'thread.mjs'),
    `import { parentPort } from 'node:worker_threads'
globalThis.self = {
  postMessage: (message, transfer) => parentPort.postMessage(message, transfer),
  set onmessage(receive) { parentPort.on('message', (data) => receive({ data })) },
}
await import('./worker.mjs')
`,
  )
  const thread = new Worker(pathToFileURL(join(cwd, 'thread.mjs')))
  return connect({
    postMessage: (message) => {
      thread.postMessage(message)
    },
    addEventListener: (type, listener) => {
      if (type === 'message')
        thread.on('message', (data: unknown) => {
          listener({ data })
        })
      else
        thread.on(type, (error: Error) => {
          listener({ message: error.message })
        })
    },
    terminate: () => {
      void thread.terminate()
    },
  })
}

describe('what is served', () => {
  test('a page that may load nothing but its own, with the trace at the step that fails', async () => {
    const { url, end } = await view(folderWith(), apusTrace)
    const page = await get(url)
    expect(page).toMatchObject({ status: 200, type: 'text/html; charset=utf-8' })
    expect(page.policy).toContain("default-src 'none'")
    expect(page.policy).not.toMatch(/unsafe|\*|https?:/)
    const text = Buffer.from(page.bytes).toString()
    // Nothing that the page names is elsewhere.
    expect(text).not.toMatch(/(src|href)="(https?:)?\/\//)
    const manifest = await manifestOf(url)
    const trace = decodeTrace(readFileSync(apusTrace))
    expect(manifest.open).toEqual({
      url: 'opened.aviary',
      name: 'longest-log-wins.aviary',
      at: trace.violation!.at,
    })
    expect(decodeTrace((await get(`${url}opened.aviary`)).bytes)).toEqual(trace)
    const card = manifest.gallery.find(({ variant }) => variant === 'longest-log-wins')!
    expect(decodeTrace((await get(url + card.url)).bytes).header.setup.bug).toBe('longest-log-wins')
    expect(await end()).toMatchObject({ code: 0 })
  })

  test('nothing else, and to nobody else', async () => {
    const { url, port } = await view(folderWith())
    for (const path of [
      'package.json',
      '../package.json',
      '%2e%2e/package.json',
      '..%2fpackage.json',
      'nothing',
    ])
      expect((await get(url + path)).status).toBe(404)
    const statusOf = (headers: Readonly<Record<string, string>>, method = 'GET'): Promise<number> =>
      new Promise((resolve, reject) => {
        request({ host: '127.0.0.1', port, method, headers }, (response) => {
          response.resume()
          resolve(response.statusCode!)
        })
          .on('error', reject)
          .end()
      })
    const host = `127.0.0.1:${String(port)}`
    expect(await statusOf({ host })).toBe(200)
    // A name that somebody else made to point here.
    expect(await statusOf({ host: `example.com:${String(port)}` })).toBe(403)
    expect(await statusOf({ host }, 'POST')).toBe(405)
  })
})

test("a user's own protocol is in the worker, and a trace of it opens there", async () => {
  const cwd = folderWith({ 'relay.ts': relay })
  const trace = await traceOfRelay(cwd)
  const { url } = await view(cwd, trace)
  const session = await sessionOf(url, cwd)
  try {
    const { systems } = await session.call('systems', {})
    expect(systems.find(({ name }) => name === 'relay')).toMatchObject({ origin: 'module' })
    expect(systems.map(({ name }) => name)).toContain('apus')
    const { bytes } = await get(`${url}opened.aviary`)
    const { branch } = await session.call('open', { bytes })
    expect(branch.violation).toMatchObject({ name: 'one-token' })
    // What is saved in the worker is taken by the command line, which finds the module where the trace says.
    const saved = await session.call('save', { branch: branch.branch })
    writeFileSync(join(cwd, 'saved.aviary'), saved.bytes)
    expect(await aviary(cwd, 'replay', 'saved.aviary')).toMatchObject({ code: 1 })
  } finally {
    session.close()
  }
})

test('a system to be run, and a litmus program, are opened fresh', async () => {
  const cwd = folderWith()
  const { url } = await view(cwd, 'rdma-register', '--bug', 'missing-checksum', '--seed', '4')
  expect((await manifestOf(url)).open).toEqual({
    fresh: { system: 'rdma-register', variant: 'missing-checksum', seed: 4 },
  })
  const program = fileURLToPath(
    new URL('../../model-check/litmus/programs/acknowledged-before-flush.litmus', import.meta.url),
  )
  const litmus = await view(cwd, program)
  const session = await sessionOf(litmus.url, cwd)
  try {
    const { open } = await manifestOf(litmus.url)
    const { branch } = await session.call('open', open as { fresh: { system: string } })
    expect(branch.length).toBeGreaterThan(0)
  } finally {
    session.close()
  }
})

describe('what cannot be is said in two lines, with exit code 2', () => {
  test.each([
    [['none.aviary'], /none\.aviary/],
    [[apusTrace, '--at', '99999'], /--at 99999: the trace has \d+ actions/],
    [[apusTrace, '--bug', 'fence-forgotten'], /--bug: is for systems/],
    [['apus', '--bug', 'fence-forgoten'], /fence-forgotten/],
    [['apuss'], /did you mean apus/],
    [['--at', '3'], /--at: needs something to open/],
  ])('view %j', async (args, words) => {
    const { code, stdout, stderr } = await aviary(folderWith(), 'view', ...args, '--no-open')
    expect(code).toBe(2)
    expect(stdout).toBe('')
    expect(stderr).toMatch(words)
    expect(stderr).not.toMatch(/^ {4}at /m)
  })

  test('a port that is taken', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await aviary(folderWith(), 'view', '--port', String(port), '--no-open')
    other.close()
    expect(code).toBe(2)
    expect(stderr).toContain(`--port ${String(port)}: is taken`)
  })
})

test('a finding names the command that opens it', async () => {
  const cwd = folderWith({ 'relay.ts': relay })
  const { stdout } = await aviary(
    cwd,
    'explore',
    './relay.ts',
    '--bug',
    'counts',
    '--seed',
    '1',
    '--seeds',
    '200',
  )
  const [, path = ''] = /View: {3}npx aviary view (\S+)/.exec(stdout) ?? []
  const { url } = await view(cwd, path)
  const { open } = await manifestOf(url)
  expect(open).toMatchObject({ at: decodeTrace(readFileSync(join(cwd, path))).violation!.at })
})

// What a node holds is given back, however it ends, and using it wrongly never ends the process.
import { execFile } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import { freshCluster, open, openCluster, until } from './support.js'

const native = JSON.stringify(new URL('../../dist/native/index.js', import.meta.url).href)
const descriptors = (): number => readdirSync('/proc/self/fd').length
const mappings = (): number =>
  readFileSync('/proc/self/maps', 'utf8')
    .split('\n')
    .filter((line) => line.includes('aviary-')).length

test('a closed node is empty and says so', async () => {
  const [one] = await openCluster(2, { regionBytes: [64] }, { windowBytes: [8] })
  const view = new Uint8Array(one!.memory)
  one!.close()
  expect([one!.memory.byteLength, view.length, one!.output.length, one!.completions.length]).toEqual([
    0, 0, 0, 0,
  ])
  view[0] = 1
  for (const use of [
    () => one!.turn(),
    () => one!.peerState(1),
    () => one!.endState(1),
    () => one!.relocations(),
    () => one!.wait(0),
    () => one!.wait(-1),
    () => one!.yield(),
    () => one!.waker(),
    () => one!.wakes(),
    () => one!.close(),
  ])
    expect(use).toThrow(expect.objectContaining({ name: 'NativeError', code: 'ERR_CLOSED' }))
})

test('opening and closing many times leaves no descriptor and no mapping', async () => {
  const warm = await openCluster(2, { regionBytes: [64] })
  for (const node of warm) node.close()
  // Mappings go when the buffers that JavaScript has had are collected; closing has emptied those.
  const before = descriptors()
  for (let i = 0; i < 20; i++) for (const node of await openCluster(2, { regionBytes: [4096] })) node.close()
  // Each of the forty has held five at least; the test runner may have opened one of its own.
  expect(descriptors()).toBeLessThan(before + 20)
  await until('mappings are given back', () => mappings() < 20, [])
})

const workerCode = (cluster: string, end: string): string => `
  import { parentPort } from 'node:worker_threads'
  const { openNode } = await import(${native})
  const node = openNode({ shm: { cluster: '${cluster}', self: 0, nodes: 2, regionBytes: [4096] } })
  globalThis.kept = [node, new Uint8Array(node.memory)]
  for (let i = 0; i < 100; i++) node.turn()
  parentPort.postMessage('open')
  ${end}
`
const runWorker = (code: string): Worker =>
  new Worker(new URL(`data:text/javascript,${encodeURIComponent(code)}`))

describe('a thread that ends without closing gives everything back', () => {
  test.each([
    ['by itself', '', false],
    ['by process.exit', 'process.exit()', false],
    ['by an exception', 'throw new Error("end of the worker")', false],
    ['terminated in the middle of turns', 'for (;;) node.turn()', true],
  ])('%s', async (_, end, isTerminated) => {
    const cluster = freshCluster()
    const before = descriptors()
    const worker = runWorker(workerCode(cluster, end))
    worker.on('error', () => undefined)
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    await new Promise((resolve) => worker.once('message', resolve))
    if (isTerminated) await worker.terminate()
    await ended
    // The name is free again, which it is not while the node is open.
    open({ shm: { cluster, self: 0, nodes: 2, regionBytes: [64] } }).close()
    await until('descriptors are given back', () => descriptors() < before + 4, [])
  })
})

test('a node cannot be handed to another thread', async () => {
  const [one] = await openCluster(2, { regionBytes: [64] })
  try {
    // Node 20 copies what must not be transferred, later ones refuse.
    structuredClone(one!.memory, { transfer: [one!.memory] })
  } catch (error) {
    expect(error).toMatchObject({ name: 'DataCloneError' })
  }
  const methods = { turn: one!.turn.bind(one) }
  expect(() => structuredClone(methods)).toThrow(/could not be cloned/)
  expect(one!.memory.byteLength).toBeGreaterThan(0)
})

const runNode = (...args: readonly string[]): Promise<{ failure: string; output: string }> =>
  new Promise((resolve) => {
    execFile(process.execPath, args, (error, stdout, stderr) => {
      resolve({
        failure: error === null ? '' : `${String(error.signal ?? error.code)} ${stderr}`,
        output: stdout,
      })
    })
  })

test('a node that is forgotten is closed when it is collected', async () => {
  const code = `
    const { openNode } = await import(${native})
    const options = { shm: { cluster: 'forgotten-' + process.pid, self: 0, nodes: 1, regionBytes: [64] } }
    const use = () => openNode(options).turn()
    use()
    for (let i = 0; i < 50; i++) {
      globalThis.gc()
      await new Promise((resolve) => setTimeout(resolve, 5))
      try {
        use()
        console.log('opened again')
        break
      } catch (error) {
        if (error.code !== 'ERR_ADDRESS_IN_USE') throw error
      }
    }`
  expect(await runNode('--expose-gc', '--input-type=module', '-e', code)).toEqual({
    failure: '',
    output: 'opened again\n',
  })
})

test.each([1, 2, 3, 4])('misuse from seed %i never ends the process', async (seed) => {
  const script = fileURLToPath(new URL('fuzz.mjs', import.meta.url))
  const { failure, output } = await runNode(script, String(seed), '8000')
  expect(failure).toBe('')
  const counts = JSON.parse(output) as Record<'turns' | 'taken' | 'thrown' | 'opened', number>
  // Garbage got somewhere: turns were had, requests ended, errors were thrown, nodes came and went.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(10)
})

test('without the addon, what is missing is named with the mend', async () => {
  const code = `
    import { cpSync, mkdtempSync } from 'node:fs'
    import { tmpdir } from 'node:os'
    import { join } from 'node:path'
    const folder = join(mkdtempSync(join(tmpdir(), 'aviary-unbuilt-')), 'native')
    cpSync(new URL('.', ${native}), folder, { recursive: true, filter: (path) => !path.endsWith('.node') })
    const { openNode } = await import(join(folder, 'index.js'))
    try {
      openNode({})
    } catch ({ name, code, message }) {
      console.log(name, code, message)
    }`
  const { failure, output } = await runNode('--input-type=module', '-e', code)
  expect(failure).toBe('')
  expect(output).toMatch(
    /NativeError ERR_NOT_BUILT the native addon \(aviary\.node\) is not built\. .*install g\+\+/,
  )
})

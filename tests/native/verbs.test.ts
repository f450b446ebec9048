// Verbs where there may be no RDMA device: what asks for them is told what is missing and the mend, nothing else is
// disturbed. What runs over a device: tests/native/parity/in-machine.ts.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { NativeError, openNode, probePort, verbsDevices } from '../../native/index.js'
import { parseCluster } from '../../runner/cluster.js'
import { diagnose } from '../../runner/doctor.js'
import { absent, verbsDeviations } from './parity/deviations.js'
import { missingFor, readPrograms } from './parity/suite.js'
import { fileURLToPath } from 'node:url'

const options = { self: 0, nodes: 2, regionBytes: [64] }

function errorOf(work: () => unknown): NativeError {
  try {
    work()
  } catch (error) {
    expect(error).toBeInstanceOf(NativeError)
    return error as NativeError
  }
  throw new Error('nothing was thrown')
}

test('a device that is not there is an error that names it and what to do', () => {
  for (const work of [
    () => openNode({ verbs: { ...options, device: 'no-such-device' } }),
    () => probePort({ device: 'no-such-device' }, 0),
  ]) {
    const { code, message } = errorOf(work)
    // Without the library, without RDMA in the kernel, without a device, or with others.
    expect(code).toMatch(/^ERR_(NO_)?VERBS$/)
    expect(message).toMatch(
      /apt-get install|modprobe rdma_rxe|there is no device no-such-device|there is no RDMA device/,
    )
  }
})

test.each([
  ['two fabrics', { shm: { ...options, cluster: 'x' }, verbs: options }, /one fabric, shm or verbs/],
  ['seven repetitions', { verbs: { ...options, retryCount: 7 } }, /retryCount must be 1 to 6/],
  ['no repetition', { verbs: { ...options, retryCount: 0 } }, /retryCount must be 1 to 6/],
  ['a wrong device', { verbs: { ...options, device: 5 as never } }, /verbs\.device must be a string/],
  ['a port too far', { verbs: { ...options, port: 256 } }, /port must be 0 to 255/],
  ['no nodes', { verbs: { ...options, nodes: 0 } }, /nodes must be 1 to 32/],
])('%s are refused by name', (_, wrong, words) => {
  const { code, message } = errorOf(() => openNode(wrong))
  if (code === 'ERR_NO_VERBS') expect(message).toMatch(/libibverbs-dev/)
  else expect([code, message]).toEqual(['ERR_OPTIONS', expect.stringMatching(words) as string])
})

test('shared memory works where verbs were asked for in vain', () => {
  errorOf(() => openNode({ verbs: { ...options, device: 'no-such-device' } }))
  const node = openNode({ shm: { ...options, cluster: `after-verbs-${String(process.pid)}` } })
  expect(node.addressFor(1)).toEqual(new Uint8Array(0))
  expect(node.meet(1, new Uint8Array(8))).toBe(false)
  expect(node.addressRevision()).toBe(0)
  node.close()
})

test('the doctor calls a machine well exactly when a port can be opened and memory locked', () => {
  const { findings, port } = diagnose({}, 10)
  const bad = findings.filter(({ state }) => state === 'bad').map(({ what }) => what)
  let canOpen = true
  try {
    openNode({ verbs: options }).close()
  } catch {
    canOpen = false
  }
  expect(port !== undefined).toBe(canOpen)
  expect(bad.some((what) => what !== 'memory lock limit')).toBe(!canOpen)
  const limit = /^Max locked memory\s+(\S+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
  const lock = findings.find(({ what }) => what === 'memory lock limit')
  expect(lock?.found.startsWith(limit === 'unlimited' ? 'unlimited' : String(Number(limit) / 1024))).toBe(
    true,
  )
  if (canOpen) expect(verbsDevices()).toContain(port!.device)
})

const file = (lines: string): string => `
name = "x"
system = "apus"
secret = "at least sixteen characters"
${lines}
`
const members = `
[[member]]
control = "127.0.0.1:7000"
folder = "a"
verbs = { gid = "10.0.0.1", port = 2 }
[[member]]
control = "127.0.0.1:7001"
folder = "b"
`

test('a cluster over verbs: what a member says goes before what the file says for all', () => {
  const { members: read, digest } = parseCluster(
    file(`fabric = "verbs"\n[verbs]\ndevice = "mlx5_0"\nport = 1\nretry_micros = 1000\n${members}`),
    'cluster.toml',
  )
  expect(read.map(({ fabric }) => fabric)).toEqual([
    { kind: 'verbs', device: 'mlx5_0', port: 2, gid: '10.0.0.1', retryMicros: 1000 },
    { kind: 'verbs', device: 'mlx5_0', port: 1, retryMicros: 1000 },
  ])
  const overShm = parseCluster(file(members), 'cluster.toml')
  expect(overShm.members.map(({ fabric }) => fabric)).toEqual([{ kind: 'shm' }, { kind: 'shm' }])
  // Members of different fabrics turn each other away.
  expect(overShm.digest).not.toBe(digest)
})

test.each([
  [`fabric = "tcp"\n${members}`, /fabric/],
  [`fabric = "verbs"\n[verbs]\nretry_count = 7\n${members}`, /verbs\.retry_count/],
  [`fabric = "verbs"\n[verbs]\nlid = 3\n${members}`, /lid/],
])('a wrong field of the file is named (%#)', (lines, words) => {
  expect(() => parseCluster(file(lines), 'cluster.toml')).toThrow(words)
})

test('deviations of soft-RoCE are of programs that run over verbs; what does not run needs something listed', () => {
  const programs = readPrograms(fileURLToPath(new URL('../../model-check/litmus/programs/', import.meta.url)))
  const runnable = programs.filter((program) => missingFor(program, 'verbs') === undefined)
  const names = runnable.map(({ name }) => name)
  expect(Object.keys(verbsDeviations).filter((name) => !names.includes(name))).toEqual([])
  const missing = new Set(programs.map((program) => missingFor(program, 'verbs')))
  expect([...missing].filter((name) => name !== undefined).sort()).toEqual(Object.keys(absent).sort())
  expect(runnable.length).toBeGreaterThan(0.7 * programs.length)
})

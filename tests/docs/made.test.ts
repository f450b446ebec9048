import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkout } from './support.js'

test('the rule book lists each rule with the programs that notice it', { timeout: 120_000 }, () => {
  const args = [join(checkout, 'scripts', 'rule-book.mjs'), '--check']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(status, stdout + stderr).toBe(0)
})

test(
  'the picture and the excerpt of the README are what a run gives, byte for byte',
  { timeout: 240_000 },
  () => {
    const args = [join(checkout, 'scripts', 'picture.mjs'), '--check']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  },
)

test(
  'the latency study of APUS is what its script gives: figures of a sample of points, tables and plot of all',
  { timeout: 120_000 },
  () => {
    const args = [join(checkout, 'scripts', 'apus-latency.mjs'), '--check']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  },
)

test('the tables of the comparison with other model checkers are those of its figures', () => {
  const args = [join(checkout, 'scripts', 'check-peers.mjs'), '--check']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(status, stdout + stderr).toBe(0)
})

test('the tables of commits over verbs are those of their figures', () => {
  const args = [join(checkout, 'scripts', 'testbed-bench.mjs'), '--check']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(status, stdout + stderr).toBe(0)
})

test('the tables of the comparison with etcd and Redis are those of its figures', () => {
  const args = [join(checkout, 'scripts', 'service-bench.mjs'), '--check']
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
  expect(status, stdout + stderr).toBe(0)
})

test(
  'the ladder of APUS is what its script gives: counts of the small rungs, tables of all',
  { timeout: 240_000 },
  () => {
    const args = [join(checkout, 'scripts', 'apus-ladder.mjs'), '--check']
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' })
    expect(status, stdout + stderr).toBe(0)
  },
)

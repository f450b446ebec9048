// Every program has the same outcomes by the search with remembered steps as by the enumerator of whole worlds.
import { readFileSync, readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  enumerateLitmus,
  litmusSetup,
  litmusSystem,
  outcomeKey,
  parseLitmus,
} from '../../model-check/litmus/index.js'
import { check, enumerate } from '../../model-check/index.js'
import { memoisedOutcomes } from './memoised.js'

const folder = new URL('../../model-check/litmus/programs/', import.meta.url)
const files = readdirSync(folder).filter((name) => name.endsWith('.litmus'))
const seen: number[] = []

test.each(files)('%s', (file) => {
  const program = parseLitmus(file, readFileSync(new URL(file, folder), 'utf8'))
  const plain = enumerateLitmus(program)
  const memoised = memoisedOutcomes(program, 2_000_000)
  expect(memoised.isComplete).toBe(true)
  expect(memoised.outcomes).toEqual(plain.outcomes.map(({ outcome }) => outcomeKey(outcome)).sort())
  expect(memoised.states).toBe(plain.states)
  expect(memoised.isRestless).toBe(plain.restless !== undefined)
  seen.push(memoised.outcomes.length)
})

test('there are hundreds of programs, and most have several outcomes', () => {
  expect(seen).toHaveLength(files.length)
  expect(seen.length).toBeGreaterThan(290)
  expect(seen.filter((outcomes) => outcomes > 1).length).toBeGreaterThan(100)
})

test('the checker has all states where an end goes to ERR while its acknowledgements are lost', () => {
  // Whether the link works decides what the end reports: a step that did not declare to read it was remembered wrongly.
  const file = 'error-after-lost-acknowledgement.litmus'
  const program = parseLitmus(file, readFileSync(new URL(file, folder), 'utf8'))
  const setup = { ...litmusSetup(program), without: ['outcome'] }
  const plain = enumerate(litmusSystem(program), setup)
  expect(plain).toMatchObject({ complete: true, distinct: 150 })
  const { distinct, moved, refused } = check(litmusSystem(program), setup)
  expect({ distinct, moved, refused }).toEqual({
    distinct: plain.distinct,
    moved: plain.moved,
    refused: plain.refused,
  })
})

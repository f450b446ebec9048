/** Whether the bytes of a store are whole: every block and slot is used once or free once, and every way leads to it. */
import type { ViewOf } from '../layout/index.js'
import { avalanche, blend } from '../checksum.js'
import { blocksOf, padded, type StoreLayout, type StoreShape } from './layout.js'

/** What is wrong with a store, or undefined. */
export function checkStore(shape: StoreShape, state: ViewOf<StoreLayout>): string | undefined {
  return (
    checkFreeSlots(shape, state) ??
    checkIndex(shape, state) ??
    checkBlocks(shape, state) ??
    checkDeadlines(state)
  )
}

const isUsed = (state: ViewOf<StoreLayout>, slot: number): boolean => state.slots.at(slot - 1).version !== 0

function checkFreeSlots({ slots }: StoreShape, state: ViewOf<StoreLayout>): string | undefined {
  const seen = new Set<number>()
  for (let slot = state.freeSlot; slot !== 0; slot = state.slots.at(slot - 1).next) {
    if (slot > state.slotsTouched) return `slot ${slot} is free and was never used`
    if (seen.has(slot)) return `slot ${slot} is free twice`
    if (isUsed(state, slot)) return `slot ${slot} is free and has a key`
    seen.add(slot)
  }
  if (state.slotsTouched > slots) return `${state.slotsTouched} of ${slots} slots were used`
  return seen.size + state.keys === state.slotsTouched
    ? undefined
    : `${state.slotsTouched} slots were used, but ${state.keys} have a key and ${seen.size} are free`
}

function checkIndex(shape: StoreShape, state: ViewOf<StoreLayout>): string | undefined {
  const names = new Set<string>()
  const seen = new Set<number>()
  for (let bucket = 0; bucket < shape.buckets; bucket++) {
    for (let slot = state.buckets.get(bucket); slot !== 0; slot = state.slots.at(slot - 1).next) {
      if (seen.has(slot)) return `slot ${slot} is in the index twice`
      seen.add(slot)
      if (!isUsed(state, slot)) return `slot ${slot} is in the index and has no key`
      const { hash, keyBytes } = state.slots.at(slot - 1)
      if ((hash & (shape.buckets - 1)) !== bucket)
        return `slot ${slot} is in bucket ${bucket}, with hash ${hash}`
      const key = recordOf(shape, state, slot).slice(0, padded(keyBytes))
      if (hashOfBytes(key, keyBytes) !== hash) return `slot ${slot} has a hash that is not that of its key`
      const name = `${keyBytes}:${key.join()}`
      if (names.has(name)) return `slot ${slot} has a key that another slot has`
      names.add(name)
    }
  }
  return seen.size === state.keys ? undefined : `${seen.size} of ${state.keys} keys are in the index`
}

function checkBlocks(shape: StoreShape, state: ViewOf<StoreLayout>): string | undefined {
  const owners = new Map<number, string>()
  const take = (block: number, owner: string): string | undefined => {
    const other = owners.get(block)
    if (other !== undefined) return `block ${block} is of ${other} and of ${owner}`
    if (block > state.blocksTouched) return `block ${block} of ${owner} was never used`
    owners.set(block, owner)
    return undefined
  }
  for (let slot = 1; slot <= state.slotsTouched; slot++) {
    if (!isUsed(state, slot)) continue
    const { firstBlock, lastBlock, keyBytes, valueBytes } = state.slots.at(slot - 1)
    let count = 0
    let last = 0
    for (let block = firstBlock; block !== 0; block = state.blocks.at(block - 1).next) {
      const wrong = take(block, `slot ${slot}`)
      if (wrong !== undefined) return wrong
      last = block
      count++
    }
    if (last !== lastBlock) return `slot ${slot} ends with block ${last}, not ${lastBlock}`
    const needs = blocksOf(keyBytes, valueBytes, shape.blockBytes)
    if (count !== needs) return `slot ${slot} has ${count} blocks and needs ${needs}`
    const tail = recordOf(shape, state, slot).slice(padded(keyBytes) + valueBytes)
    if (tail.some((byte) => byte !== 0)) return `slot ${slot} has something behind its value`
  }
  if (owners.size !== state.blocksUsed) return `${owners.size} blocks are used, not ${state.blocksUsed}`
  for (let block = state.freeBlock; block !== 0; block = state.blocks.at(block - 1).next) {
    const wrong = take(block, 'the free ones')
    if (wrong !== undefined) return wrong
    const { octets } = state.blocks.at(block - 1)
    for (let k = 0; k < octets.length; k++) if (octets.get(k) !== 0) return `free block ${block} is not zero`
  }
  return owners.size === state.blocksTouched
    ? undefined
    : `${state.blocksTouched - owners.size} blocks are neither used nor free`
}

function checkDeadlines(state: ViewOf<StoreLayout>): string | undefined {
  let expiring = 0
  for (let slot = 1; slot <= state.slotsTouched; slot++) {
    const { expiry, deadline } = state.slots.at(slot - 1)
    if (!isUsed(state, slot)) continue
    if ((expiry === 0) !== (deadline === 0)) return `slot ${slot} expires at ${expiry}, place ${deadline}`
    if (deadline === 0) continue
    expiring++
    if (deadline > state.expiring || state.deadlines.get(deadline - 1) !== slot)
      return `slot ${slot} is not at its place ${deadline} among the deadlines`
    const up = deadline >> 1
    if (up > 0 && state.slots.at(state.deadlines.get(up - 1) - 1).expiry > expiry)
      return `slot ${slot} expires before the one above it`
  }
  return expiring === state.expiring ? undefined : `${expiring} keys expire, not ${state.expiring}`
}

/** All bytes of the blocks of a slot. */
function recordOf({ blockBytes }: StoreShape, state: ViewOf<StoreLayout>, slot: number): number[] {
  const octets: number[] = []
  for (let block = state.slots.at(slot - 1).firstBlock; block !== 0;) {
    const held = state.blocks.at(block - 1)
    for (let k = 0; k < blockBytes - 4; k++) octets.push(held.octets.get(k))
    block = held.next
  }
  return octets
}

function hashOfBytes(octets: readonly number[], keyBytes: number): number {
  let hash = keyBytes
  for (let k = 0; k < octets.length; k += 4)
    hash = blend(hash, octets[k]! | (octets[k + 1]! << 8) | (octets[k + 2]! << 16) | (octets[k + 3]! << 24))
  return avalanche(hash) >>> 0
}

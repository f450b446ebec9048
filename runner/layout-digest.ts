import { createHash, createHmac } from 'node:crypto'
import type { Hardware } from '../protocol/index.js'
import type { Cluster } from './cluster.js'

/** A hash of all that the cores of two members must have alike to understand each other's bytes. */
export function layoutDigest({ cores, fabric, network, disk }: Hardware): string {
  const shape = cores.map(({ state, regions, windows }) => [
    state.sizeBytes,
    ...regions.map(({ name, layout }) => [name, layout.sizeBytes]),
    ...windows.map(({ name, layout }) => [name, layout.sizeBytes]),
  ])
  return createHash('sha256')
    .update(JSON.stringify([shape, fabric, network?.messageBytes, disk]))
    .digest('hex')
}

/** What only who knows the secret can name. */
export function secretName(cluster: Cluster): string {
  return createHmac('sha256', cluster.secret).update(`shm ${cluster.name}`).digest('hex').slice(0, 24)
}

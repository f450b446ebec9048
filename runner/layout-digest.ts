import { createHash, createHmac } from 'node:crypto'
import type { Hardware } from '../protocol/index.js'
import type { Cluster } from './cluster.js'
import { layoutText } from './layout-text.js'

/** A hash of all that the cores of two members must have alike to understand each other's bytes. */
export function layoutDigest(hardware: Hardware): string {
  return createHash('sha256').update(layoutText(hardware)).digest('hex')
}

/** What only who knows the secret can name. */
export function secretName(cluster: Cluster): string {
  return createHmac('sha256', cluster.secret).update(`shm ${cluster.name}`).digest('hex').slice(0, 24)
}

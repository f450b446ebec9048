/** What a connection is to its client, and what every connection of a gateway shares. */
import type { RespVersion } from './reply-writer.js'

export interface Session {
  readonly id: number
  readonly address: string
  name: string
  version: RespVersion
  isAuthenticated: boolean
}

/** Names and values of a section of INFO, in order. */
export type InfoSection = Readonly<Record<string, string | number>>

interface GatewayCounters {
  readonly startedAt: number
  connections: number
  connectionsEver: number
  connectionsRefused: number
  commands: number
  proposals: number
  refused: number
  unknown: number
}

export interface Shared {
  readonly counters: GatewayCounters
  readonly mostClients: number
  readonly password: string | undefined
  readonly port: () => number
  readonly info: (() => Readonly<Record<string, InfoSection>>) | undefined
}

/** What the store says of itself, where it could be asked: keys, keys with an expiry, bytes used, bytes there are. */
export type StoreTotals = readonly [keys: number, expiring: number, usedBytes: number, arenaBytes: number]

/** The Redis whose commands, errors and replies are kept to. */
export const REDIS_VERSION = '7.0.15'

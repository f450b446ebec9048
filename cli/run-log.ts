/** The log of a member, to standard error: lines for people, or JSON for machines. */
import { pino } from 'pino'

export type LogStyle = 'human' | 'json' | 'none'
type Level = 'info' | 'warn' | 'error'
export type Log = (level: Level, event: string, fields?: Readonly<Record<string, unknown>>) => void

export function makeLog(style: LogStyle, member: number): Log {
  if (style === 'none') return () => undefined
  if (style === 'json') {
    // Written at once: what a member says last matters most.
    const logger = pino({ base: { member } }, pino.destination({ dest: 2, sync: true }))
    return (level, event, fields) => {
      logger[level](fields ?? {}, event)
    }
  }
  return (level, event, fields) => {
    const details = Object.entries(fields ?? {}).map(([name, value]) => ` ${name}=${String(value)}`)
    process.stderr.write(`${logLine(level, member, event)}${details.join('')}\n`)
  }
}

/** A line for people. */
export function logLine(level: string, member: number, event: string): string {
  const time = new Date().toISOString().slice(11, 23)
  return `${time} ${level === 'info' ? '' : `${level}: `}member ${String(member)}: ${event}`
}

/** A line that a member has logged as JSON, for people; undefined for what is not one. */
export function readLogLine(line: string): { readonly level: string; readonly event: string } | undefined {
  try {
    const { level, msg } = JSON.parse(line) as { level?: number; msg?: string }
    if (typeof msg !== 'string') return undefined
    return { level: level === undefined || level <= 30 ? 'info' : level <= 40 ? 'warn' : 'error', event: msg }
  } catch {
    return undefined
  }
}

/** Errors of a session: each says what is wrong and, where there is one, what mends it. */
import { TraceError } from '../../sim/trace/index.js'
import { SessionError, type SessionErrorInfo } from './protocol.js'

export const impossible = (message: string): SessionError =>
  new SessionError({ code: 'impossible', field: '', message, mend: '' })

export const badRequest = (field: string, message: string, mend = ''): SessionError =>
  new SessionError({ code: 'request', field, message, mend })

export const cancelled = (): SessionError =>
  new SessionError({ code: 'cancelled', field: '', message: 'the call was cancelled', mend: '' })

/** What is sent of an error. */
export function errorInfo(error: unknown): SessionErrorInfo {
  if (error instanceof SessionError) {
    const { code, field, message, mend } = error
    return { code, field, message, mend }
  }
  if (error instanceof TraceError) {
    const { problem, field, message, mend } = error
    // Its message has the field before it and the mend behind it, which are told apart here.
    const what = message.slice(field.length + 2, message.length - mend.length - 2)
    return { code: problem === 'unplayable' ? 'system' : 'trace', field, message: what, mend }
  }
  return {
    code: 'failed',
    field: '',
    message: error instanceof Error ? error.message : String(error),
    mend: '',
  }
}

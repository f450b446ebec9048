/**
 * To be imported before any schema of zod is made: each asks when it is made whether text may be run as code. The page
 * forbids that, and its browser would report the question.
 */
import { config } from 'zod'

config({ jitless: true })

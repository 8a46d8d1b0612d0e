// A server of its own, counted checks, and small helpers.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..')
const write = text => process.stdout.write(text + '\n')

export const note = text => write('# ' + text)

let failed = 0
export const failures = () => failed

export function check(name, condition, detail) {
  write((condition ? 'ok ' : 'not ok ') + name)
  if (!condition) {
    failed++
    if (detail !== undefined) write('    ' + String(detail?.stack ?? detail).replaceAll('\n', '\n    '))
  }
}

// Runs one group of checks; an exception in it is one failed check.
export async function group(name, body) {
  try {
    await body()
  } catch (error) {
    check(name + ' ran to its end', false, error)
  }
}

export async function startServer({ folder = mkdtempSync(join(tmpdir(), 'xapicompat-')), http = '127.0.0.1:0', options = [] } = {}) {
  const child = spawn(
    join(root, 'scripts', 'start'),
    ['--http', http, '--https', '127.0.0.1:0', '--state', join(folder, 'state'), ...options],
    { stdio: ['ignore', 'pipe', openSync(join(folder, 'log'), 'a')] }
  )
  process.once('exit', () => child.kill('SIGKILL'))
  const exited = new Promise(resolve => child.once('exit', code => resolve(code)))
  const line = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve)
    exited.then(code => reject(new Error('the server ended with code ' + code)))
  })
  const end = async () => {
    child.kill('SIGTERM')
    return exited
  }
  return {
    ...JSON.parse(line),
    // Another server on the same state and address.
    async restart() {
      await end()
      return startServer({ folder, http: new URL(JSON.parse(line).http).host, options })
    },
    async stop() {
      const code = await end()
      rmSync(folder, { recursive: true, force: true })
      return code
    },
  }
}

// Polls until the condition holds; events arrive when they arrive.
export async function until(condition, what, seconds = 120) {
  const end = Date.now() + seconds * 1000
  for (;;) {
    const value = condition()
    if (value) return value
    if (Date.now() > end) throw new Error('not seen within ' + seconds + ' s: ' + what)
    await delay(20)
  }
}

export async function collect(stream) {
  const pieces = []
  for await (const piece of stream) pieces.push(piece)
  return Buffer.concat(pieces)
}

export const sha256 = data => createHash('sha256').update(data).digest('hex')

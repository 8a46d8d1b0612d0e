// The library's cache against the server's records: after random operations of other clients, and after a restart.
import { format } from 'node:util'
import { setTimeout as delay } from 'node:timers/promises'
import { createClient } from 'xen-api'
import { check, failures, group, note, startServer, until } from '../common/support.mjs'
import { Operations } from './operations.mjs'

const SECONDS = process.env.XAPICOMPAT_SOAK ? 600 : 60
const CONNECTIONS = 4
const seed = Number(process.env.XAPICOMPAT_SEED) || Math.floor(Math.random() * 2 ** 31)

const logged = []
for (const level of ['error', 'warn']) {
  console[level] = (...what) => logged.push(format(...what))
}
process.on('unhandledRejection', error => logged.push(format('unhandled rejection', error)))

const auth = { user: 'root', password: 'xapicompat' }

// One text per object; fields in one order.
const text = record => JSON.stringify(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)))

async function differences(xapi, reader) {
  const found = []
  const cached = new Map()
  for (const object of Object.values(xapi.objects.all)) {
    if (!cached.has(object.$type)) cached.set(object.$type, new Map())
    cached.get(object.$type).set(object.$ref, text({ ...object }))
  }
  for (const type of xapi._types) {
    let records
    try {
      records = Object.entries(await reader.call(type + '.get_all_records'))
    } catch (error) {
      // Objects of removed classes still have events.
      if (error.code === 'MESSAGE_REMOVED') continue
      throw error
    }

    const mine = cached.get(type) ?? new Map()
    for (const [ref, record] of records) {
      const now = text(record)
      if (!mine.has(ref)) found.push(`${type} ${ref} is not in the cache: ${now}; its uuid is ${xapi.objects.all[record.uuid]?.$ref}`)
      else if (mine.get(ref) !== now) found.push(`${type} ${ref}\n  server ${now}\n  cache  ${mine.get(ref)}`)
      mine.delete(ref)
    }
    for (const ref of mine.keys()) found.push(`${type} ${ref} is only in the cache`)
  }
  return found
}

// Events are on their way for a moment; what differs for longer differs.
async function compare(name, xapi, reader) {
  let found = []
  for (let i = 0; i < 40; i++) {
    await delay(250)
    found = await differences(xapi, reader)
    if (found.length === 0) break
  }
  check(`${name}: the cache equals the records of ${xapi._types.length} classes (${Object.keys(xapi.objects.all).length} objects)`, found.length === 0, found.slice(0, 5).join('\n'))
}

note(`seed ${seed} (XAPICOMPAT_SEED repeats it), ${SECONDS} s`)
let server = await startServer()
const connect = async options => {
  const xapi = createClient({ url: server.http, auth, debounce: 50, eventPollDelay: 200, ...options })
  await xapi.connect()
  return xapi
}
const xapi = await connect()
await xapi.objectsFetched
const reader = await connect({ watchEvents: false })

await group('operations', async () => {
  const end = Date.now() + SECONDS * 1000
  const workers = await Promise.all(Array.from({ length: CONNECTIONS }, async (_, i) => new Operations(await connect({ watchEvents: false }), seed + i)))
  await Promise.all(workers.map(worker => worker.run(() => Date.now() < end)))
  const unexpected = workers.flatMap(worker => worker.unexpected)
  note(`${workers.reduce((sum, worker) => sum + worker.done, 0)} operations, ${workers.reduce((sum, worker) => sum + worker.refused, 0)} of them refused`)
  check('operations: every refusal has a documented code', unexpected.length === 0, unexpected.slice(0, 5).join('\n'))
  check('operations: many of each kind', workers.every(worker => worker.done > SECONDS))
  await compare('after random operations', xapi, reader)
  check('operations: no line was logged', logged.length === 0, logged.slice(0, 5).join('\n'))
  await Promise.all(workers.map(worker => worker.disconnect()))
})

await group('restart', async () => {
  server = await server.restart()
  // Lines about the lost connection are right; after the first new answer there must be none.
  const before = xapi._lastEventFetchedTimestamp
  await until(() => xapi._lastEventFetchedTimestamp !== before, 'events after the restart', 300)
  logged.length = 0
  const name = 'after the restart ' + seed
  await reader.call('pool.set_name_label', xapi.pool.$ref, name)
  await until(() => xapi.pool.name_label === name, 'an event after the restart')
  await compare('after a restart', xapi, reader)
  check('restart: no line was logged afterwards', logged.length === 0, logged.slice(0, 5).join('\n'))
})

await xapi.disconnect()
check('the server stops cleanly', (await server.stop()) === 0)
process.exit(failures() === 0 ? 0 : 1)

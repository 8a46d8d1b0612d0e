// xen-api connects, loads, follows events, runs tasks and moves disks, over each of its transports.
import { randomBytes } from 'node:crypto'
import { format } from 'node:util'
import { PassThrough, Readable } from 'node:stream'
import { createClient } from 'xen-api'
import { check, collect, failures, group, note, sha256, startServer, until } from '../common/support.mjs'

const SIZE = 16 * 1024 * 1024

// Everything that the library logs ends here: it reports its troubles by console.warn.
const logged = []
for (const level of ['error', 'warn', 'info', 'log']) {
  console[level] = (...what) => logged.push(format(...what))
}
process.on('unhandledRejection', error => logged.push(format('unhandled rejection', error)))

const vdiRecord = (sr, name) => ({
  name_label: name,
  name_description: '',
  SR: sr,
  virtual_size: SIZE,
  type: 'user',
  sharable: false,
  read_only: false,
  other_config: {},
  tags: ['of the test'],
})

const vmRecord = name => ({
  name_label: name,
  user_version: 1,
  is_a_template: false,
  affinity: 'OpaqueRef:NULL',
  memory_static_max: 268435456,
  memory_dynamic_max: 268435456,
  memory_dynamic_min: 268435456,
  memory_static_min: 268435456,
  VCPUs_params: {},
  VCPUs_max: 1,
  VCPUs_at_startup: 1,
  actions_after_shutdown: 'destroy',
  actions_after_reboot: 'restart',
  actions_after_crash: 'restart',
  PV_bootloader: '',
  PV_kernel: '',
  PV_ramdisk: '',
  PV_args: '',
  PV_bootloader_args: '',
  PV_legacy_args: '',
  HVM_boot_policy: 'BIOS order',
  HVM_boot_params: { order: 'cd' },
  platform: {},
  PCI_bus: '',
  other_config: {},
  recommendations: '',
})

const vbdRecord = (vm, vdi) => ({
  VM: vm,
  VDI: vdi,
  userdevice: '0',
  bootable: true,
  mode: 'RW',
  type: 'Disk',
  empty: false,
  other_config: {},
  qos_algorithm_type: '',
  qos_algorithm_params: {},
})

async function exercise(label, url, options) {
  const name = text => `${label}: ${text}`
  logged.length = 0
  const xapi = createClient({ url, auth: { user: 'root', password: 'xapicompat' }, allowUnauthorized: true, debounce: 50, eventPollDelay: 500, ...options })
  await xapi.connect()
  await xapi.objectsFetched
  const types = new Set(Object.values(xapi.objects.all).map(object => object.$type))
  note(`${label}: ${Object.keys(xapi.objects.all).length} objects of ${types.size} of the ${xapi._types.length} listed classes`)
  check(name('connects and loads every listed class without a logged line'), logged.length === 0, logged.join('\n'))
  check(name('knows pool, host, SRs, networks, templates'), ['pool', 'host', 'SR', 'network', 'VM', 'PBD', 'PIF', 'SM'].every(type => types.has(type)), [...types])
  const sr = xapi.pool.default_SR
  check(name('the pool has a default SR'), xapi.getObjectByRef(sr).$type === 'SR')

  await group(name('events'), async () => {
    const ref = await xapi.call('VDI.create', vdiRecord(sr, 'seen'))
    const seen = await until(() => xapi.getObjectByRef(ref, undefined), 'the new disk')
    check(name('sees an object appear'), seen.name_label === 'seen' && Number(seen.virtual_size) === SIZE && seen.tags[0] === 'of the test')
    await xapi.call('VDI.set_name_label', ref, 'renamed')
    await until(() => xapi.getObjectByRef(ref).name_label === 'renamed', 'the new name')
    check(name('sees it change'), true)
    await xapi.call('VDI.destroy', ref)
    await until(() => xapi.getObjectByRef(ref, undefined) === undefined, 'the end of the disk')
    check(name('sees it go'), true)
  })

  await group(name('barrier'), async () => {
    for (let i = 0; i < 3; i++) await xapi.barrier()
    check(name('barrier() returns'), true)
    await xapi.setFieldEntry('pool', xapi.pool.$ref, 'other_config', 'xo:conformance', '1')
    await xapi.setFieldEntry('pool', xapi.pool.$ref, 'other_config', 'xo:conformance', '2')
    await xapi.barrier()
    check(name('setFieldEntry replaces an entry'), xapi.pool.other_config['xo:conformance'] === '2')
    await xapi.setFieldEntry('pool', xapi.pool.$ref, 'other_config', 'xo:conformance', null)
    await xapi.barrier()
    check(name('setFieldEntry removes an entry'), !('xo:conformance' in xapi.pool.other_config))
  })

  await group(name('tasks'), async () => {
    const disk = await xapi.call('VDI.create', vdiRecord(sr, 'of the machine'))
    const vm = await xapi.call('VM.create', vmRecord('machine'))
    await xapi.call('VBD.create', vbdRecord(vm, disk))
    const snapshot = await xapi.callAsync('VDI.snapshot', disk)
    check(name('callAsync VDI.snapshot answers the snapshot'), (await xapi.getField('VDI', snapshot, 'snapshot_of')) === disk)
    const vmSnapshot = await xapi.callAsync('VM.snapshot', vm, 'snapshot')
    check(name('callAsync VM.snapshot answers the snapshot'), (await xapi.getField('VM', vmSnapshot, 'snapshot_of')) === vm)
    const clone = await xapi.callAsync('VM.clone', vmSnapshot, 'clone')
    check(name('callAsync VM.clone answers the clone'), (await xapi.getField('VM', clone, 'name_label')) === 'clone')
    const record = await xapi.barrier(clone)
    check(name('its disk is in the cache'), record.$VBDs[0]?.$VDI?.$type === 'VDI')
    check(name('callAsync VM.revert answers nothing'), (await xapi.callAsync('VM.revert', vmSnapshot)) === '')
    const error = await xapi.callAsync('VM.revert', vm).catch(error => error)
    check(name('a failed task carries its code'), error.code === 'REVERT_ONLY_ALLOWED_ON_SNAPSHOT', error)
    for (const machine of [vm, vmSnapshot, clone]) {
      const vbds = await xapi.getField('VM', machine, 'VBDs')
      const disks = await Promise.all(vbds.map(vbd => xapi.getField('VBD', vbd, 'VDI')))
      await xapi.callAsync('VM.destroy', machine)
      for (const vdi of disks) await xapi.callAsync('VDI.destroy', vdi)
    }
    await xapi.call('VDI.destroy', snapshot)
    await xapi.barrier()
    await until(() => Object.values(xapi.objects.all).every(object => object.$type !== 'task' || object.name_label.startsWith('put_')), 'the end of all tasks')
    check(name('every task is gone in the end'), true)
  })

  await group(name('disks'), async () => {
    const content = Buffer.concat([randomBytes(5 * 1024 * 1024), Buffer.alloc(SIZE - 5 * 1024 * 1024)])
    const [origin, copy, other] = await Promise.all(['origin', 'copy', 'other'].map(label => xapi.call('VDI.create', vdiRecord(sr, label))))
    const get = async (vdi, format) => {
      const response = await xapi.getResource('/export_raw_vdi/', { query: { vdi, format } })
      const data = await collect(response.body)
      await response.task
      return data
    }
    const put = (data, vdi, format, known) => {
      const body = known ? Readable.from(pieces(data)) : new PassThrough()
      if (known) body.length = data.length
      else Readable.from(pieces(data)).pipe(body)
      return xapi.putResource(body, '/import_raw_vdi/', { query: { vdi, format } })
    }

    await put(content, origin, 'raw', true)
    check(name('a raw upload reads back equal'), sha256(await get(origin, 'raw')) === sha256(content))
    const vhd = await get(origin, 'vhd')
    check(name('a VHD comes whole'), vhd.subarray(0, 8).toString() === 'conectix' && vhd.subarray(0, 512).equals(vhd.subarray(-512)))
    await put(vhd, copy, 'vhd', true)
    check(name('a VHD moved there and back is the same disk'), sha256(await get(copy, 'raw')) === sha256(content))
    check(name('and its VHD has the same length'), (await get(copy, 'vhd')).length === vhd.length)
    check(name('nothing was logged so far'), logged.length === 0, logged.join('\n'))
    await put(vhd, other, 'vhd', false)
    check(name('a stream of unknown length arrives whole'), sha256(await get(other, 'raw')) === sha256(content))
    check(name('its task ended well'), logged.every(line => line.endsWith('missing length')), logged.join('\n'))
    logged.length = 0
    for (const vdi of [origin, copy, other]) await xapi.call('VDI.destroy', vdi)
  })

  await group(name('session'), async () => {
    const before = xapi.sessionId
    const answer = await fetch(new URL('/jsonrpc', url.replace(/^https:.*/, server.http)), {
      method: 'POST',
      body: JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'session.logout', params: [before] }),
    })
    check(name('the session is ended from outside'), answer.status === 200, await answer.text())
    check(name('SESSION_INVALID leads to a new login'), (await xapi.call('pool.get_all')).length === 1 && xapi.sessionId !== before)
    const ref = await xapi.call('VDI.create', vdiRecord(sr, 'after'))
    await until(() => xapi.getObjectByRef(ref, undefined), 'an object after the new login')
    check(name('events go on with it'), true)
    await xapi.barrier()
    await xapi.call('VDI.destroy', ref)
    await until(() => xapi.getObjectByRef(ref, undefined) === undefined, 'the end of it')

    // The library may call event.from without a session while it logs in again, and then says so.
    logged.length = 0
  })

  check(name('nothing was logged'), logged.length === 0, logged.join('\n'))
  await xapi.disconnect()
}

// Pieces of uneven size, as a file system or a network gives them.
function* pieces(data) {
  for (let at = 0; at < data.length; at += 65_521) yield data.subarray(at, at + 65_521)
}

const server = await startServer()
await group('default transport, HTTP', () => exercise('default transport, HTTP', server.http, {}))
await group('XML-RPC, HTTP', () => exercise('XML-RPC, HTTP', server.http, { transport: 'xml-rpc' }))
await group('default transport, HTTPS', () => exercise('default transport, HTTPS', server.https, {}))
check('the server stops cleanly', (await server.stop()) === 0)
process.exit(failures() === 0 ? 0 : 1)

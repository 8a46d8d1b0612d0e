// A backup tool's day with Xen Orchestra's library: machines, power, snapshots, disks out and in, in full and as differences.
import { randomBytes } from 'node:crypto'
import { format } from 'node:util'
import { Readable } from 'node:stream'
import { Xapi, XapiDiskSource } from '@xen-orchestra/xapi'
import { check, collect, failures, group, note, sha256, startServer, until } from '../common/support.mjs'

const MIB = 1024 * 1024
const SIZE = 12 * MIB

const logged = []
for (const level of ['error', 'warn']) {
  console[level] = (...what) => logged.push(format(...what))
}
process.on('unhandledRejection', error => logged.push(format('unhandled rejection', error)))

const stream = data => Object.assign(Readable.from([data]), { length: data.length })

async function makeMachine(xapi, name, content) {
  const vm = await xapi.VM_create({
    name_label: name,
    name_description: 'made by the library',
    memory_static_min: 256 * MIB,
    memory_static_max: 256 * MIB,
    VCPUs_max: 1,
    VCPUs_at_startup: 1,
    VCPUs_params: {},
    HVM_boot_policy: 'BIOS order',
    HVM_boot_params: { order: 'cd' },
    platform: {},
    recommendations: '',
    user_version: 1,
    PV_args: '',
    PV_bootloader: '',
    PV_bootloader_args: '',
    PV_kernel: '',
    PV_legacy_args: '',
    PV_ramdisk: '',
  })
  const vdi = await xapi.VDI_create({ name_label: name + ' disk', name_description: '', virtual_size: SIZE })
  await xapi.VBD_create({ VM: vm, VDI: vdi, bootable: true })
  const network = Object.values(xapi.objects.all).find(object => object.$type === 'network' && object.PIFs.length > 0)
  await xapi.VIF_create({ VM: vm, network: network.$ref })
  await xapi.VDI_importContent(vdi, stream(content), { format: 'raw' })
  return { vm, vdi }
}

const read = async (xapi, vdi) => collect(await xapi.VDI_exportContent(vdi, { format: 'raw' }))

// All blocks of a disk as the library's own disk source gives them.
async function blocks(xapi, vdiRef, baseRef) {
  const disk = new XapiDiskSource({ xapi, vdiRef, baseRef, preferNbd: false })
  await disk.init()
  const found = new Map()
  try {
    for await (const { index, data } of disk.diskBlocks()) found.set(index, data)
    return { found, differencing: disk.isDifferencing(), size: disk.getVirtualSize() }
  } finally {
    await disk.close()
  }
}

function applied(base, found) {
  const result = Buffer.from(base)
  for (const [index, data] of found) data.copy(result, index * 2 * MIB, 0, Math.min(data.length, result.length - index * 2 * MIB))
  return result
}

async function power(xapi, { vm }) {
  const record = () => xapi.getObjectByRef(vm)
  await xapi.callAsync('VM.start', vm, false, false)
  await until(() => record().power_state === 'Running', 'the machine to run')
  check('power: it runs on a host', record().$resident_on?.$type === 'host')
  await until(() => record().$guest_metrics?.PV_drivers_detected, 'the guest tools')
  check('power: the guest tools report', true)
  const domid = record().domid
  await xapi.VM_reboot(vm, { force: true })
  await until(() => record().domid !== domid && record().power_state === 'Running', 'another domain')
  check('power: a forced reboot makes another domain', true)
  await xapi.callAsync('VM.suspend', vm)
  await until(() => record().power_state === 'Suspended', 'the machine to be suspended')
  check('power: the suspend image is a disk', xapi.getObjectByRef(record().suspend_VDI).type === 'suspend')
  await xapi.callAsync('VM.resume', vm, false, false)
  await until(() => record().power_state === 'Running', 'the machine to run again')
  await xapi.callAsync('VM.pause', vm)
  await until(() => record().power_state === 'Paused', 'the machine to be paused')
  await xapi.callAsync('VM.unpause', vm)
  await until(() => record().power_state === 'Running', 'the machine to run on')
  const refused = await xapi.callAsync('VM.start', vm, false, false).catch(error => error)
  check('power: starting it again is refused', refused.code === 'VM_BAD_POWER_STATE' && refused.params[2] === 'running', refused)
}

async function backup(xapi, machine, first) {
  const fullVm = await xapi.VM_snapshot(machine.vm, { name_label: 'full' })
  const [full] = await xapi.VM_getDisks(fullVm)
  check('backup: the snapshot of the running machine has its bytes', sha256(await read(xapi, full)) === sha256(first))
  const whole = await blocks(xapi, full)
  check('backup: a full source', !whole.differencing && whole.size === SIZE)
  check('backup: its blocks make the disk', sha256(applied(Buffer.alloc(SIZE), whole.found)) === sha256(first))

  await xapi.callAsync('VM.hard_shutdown', machine.vm)
  const second = Buffer.from(first)
  randomBytes(3 * MIB).copy(second, 5 * MIB)
  await xapi.VDI_importContent(machine.vdi, stream(second), { format: 'raw' })
  const deltaVm = await xapi.VM_snapshot(machine.vm, { name_label: 'delta' })
  const [delta] = await xapi.VM_getDisks(deltaVm)
  const difference = await blocks(xapi, delta, full)
  check('backup: a differencing source', difference.differencing)
  check('backup: its blocks lead from the first state to the second', sha256(applied(first, difference.found)) === sha256(second))

  const restored = await xapi.VDI_create({ name_label: 'restored', name_description: '', virtual_size: SIZE })
  for (const [snapshot, base] of [[full], [delta, full]]) {
    const data = await collect(await xapi.VDI_exportContent(snapshot, { baseRef: base, format: 'vhd' }))
    await xapi.VDI_importContent(restored, stream(data), { format: 'vhd' })
  }
  check('backup: full and difference restore the second state', sha256(await read(xapi, restored)) === sha256(second))
  await xapi.VDI_destroy(restored)
  return { fullVm, deltaVm, second }
}

async function revert(xapi, machine, { fullVm }, first) {
  await xapi.callAsync('VM.revert', fullVm)
  const [disk] = await xapi.VM_getDisks(machine.vm)
  check('revert: the disk has the first state again', sha256(await read(xapi, disk)) === sha256(first))
  check('revert: it is another disk', disk !== machine.vdi)
}

async function checkpoint(xapi, machine) {
  await xapi.callAsync('VM.start', machine.vm, false, false)
  const ref = await xapi.VM_checkpoint(machine.vm, { name_label: 'with memory' })
  check('checkpoint: it is suspended, the machine runs on', (await xapi.getField('VM', ref, 'power_state')) === 'Suspended' && (await xapi.getField('VM', machine.vm, 'power_state')) === 'Running')
  await xapi.callAsync('VM.revert', ref)
  check('checkpoint: reverting gives a suspended machine', (await xapi.getField('VM', machine.vm, 'power_state')) === 'Suspended')
  await xapi.callAsync('VM.resume', machine.vm, false, false)
  check('checkpoint: it resumes', (await xapi.getField('VM', machine.vm, 'power_state')) === 'Running')
}

async function ignoredDisks(xapi, machine) {
  const tagged = await xapi.VDI_create({ name_label: 'scratch [NOBAK]', name_description: '', virtual_size: MIB })
  await xapi.VBD_create({ VM: machine.vm, VDI: tagged })
  await xapi.barrier()
  const snapshot = await xapi.VM_snapshot(machine.vm, { ignoredVdisTag: '[NOBAK]', name_label: 'without scratch' })
  check('ignored disks: the snapshot leaves them out', (await xapi.VM_getDisks(snapshot)).length === 1)
}

async function destroy(xapi, machine) {
  await xapi.barrier()
  await xapi.VM_destroy(machine.vm, { force: true })
  await xapi.barrier()
  const mine = Object.values(xapi.objects.all).filter(object => (object.$type === 'VDI' || object.$type === 'VDI-snapshot') && object.managed)
  note('disks left: ' + mine.map(object => object.name_label).join(', '))
  check('destroy: machine, snapshots and disks are gone', xapi.getObjectByRef(machine.vm, undefined) === undefined && mine.every(object => !object.name_label.startsWith('machine')))
}

const server = await startServer()
const xapi = new Xapi({ auth: { user: 'root', password: 'xapicompat' }, url: server.http, allowUnauthorized: true, vdiDestroyRetryWhenInUse: { delay: 100, tries: 5 } })
await xapi.connect()
await xapi.objectsFetched
const first = Buffer.concat([randomBytes(7 * MIB), Buffer.alloc(5 * MIB)])
let machine, saved
await group('machine', async () => {
  machine = await makeMachine(xapi, 'machine', first)
  check('machine: its disk has the bytes', sha256(await read(xapi, machine.vdi)) === sha256(first))
})
await group('power', () => power(xapi, machine))
await group('backup', async () => (saved = await backup(xapi, machine, first)))
await group('revert', () => revert(xapi, machine, saved, first))
await group('checkpoint', () => checkpoint(xapi, machine))
await group('ignored disks', () => ignoredDisks(xapi, machine))
await group('destroy', () => destroy(xapi, machine))
check('nothing was logged', logged.length === 0, logged.join('\n'))
await xapi.disconnect()
check('the server stops cleanly', (await server.stop()) === 0)
process.exit(failures() === 0 ? 0 : 1)

"""The incremental-backup recipe: full, change, differential, restore both on a fresh disk, compare."""

import json
import os
import shutil

import harness
import images
import transfer
import vhd


def back_up_and_restore(checks, work, session, first, second):
    size = os.path.getsize(first)
    before, after = transfer.sha256_file(first), transfer.sha256_file(second)
    changes = images.differences(first, second)
    folder = work("backup") + "/"
    os.makedirs(folder)
    sr = session.default_sr()

    disk = session.create_vdi(size, "origin", sr)
    transfer.upload(session, disk, first)
    checks.equal("the uploaded image reads back equal", transfer.export(session, disk).digest, before)

    # 1, 2: first snapshot and its full export
    full = session.call("VDI.snapshot", disk, {})
    full_uuid = session.call("VDI.get_uuid", full)
    record = session.call("VDI.get_record", full)
    checks.ok("a snapshot is one", record["is_a_snapshot"] and record["snapshot_of"] == disk and record["managed"]
              and record["virtual_size"] == str(size), record)
    exported_full = transfer.export(session, full, folder, "vhd")
    checks.equal("the export is named after the VDI", exported_full.file_name, full_uuid + ".vhd")
    checks.equal("Content-Length of a VHD export is right", exported_full.headers.get("Content-Length"), str(exported_full.size))

    # 3, 4: change, second snapshot, differential by uuid of the base
    transfer.upload_ranges(session, disk, changes)
    delta = session.call("VDI.snapshot", disk, {})
    exported_delta = transfer.export(session, delta, folder, "vhd", base=full_uuid, trailing_slash=True)
    image, parent = vhd.Vhd(exported_delta.path), vhd.Vhd(exported_full.path)
    checks.equal("the differential is of type 4", image.type, 4)
    checks.equal("it holds the changed 2 MiB blocks and no others", set(image.sectors), images.blocks_of(changes))
    checks.equal("its parent id is the id of the full export", image.parent_id, parent.id)
    checks.equal("its parent name is the name of the full export", image.parent_name, full_uuid + ".vhd")
    again = transfer.export(session, full, work("again.vhd"), "vhd")
    checks.equal("exporting the same state twice gives the same bytes", again.digest, exported_full.digest)
    os.remove(again.path)

    # 5, 6, 7, 8: restore with the size that qemu-img reports
    reported = size_from_qemu_img(exported_delta.path)
    restored = session.create_vdi(reported, "restored", sr)
    checks.equal("the restored disk has the size of the origin", session.call("VDI.get_virtual_size", restored), str(size))
    transfer.upload(session, restored, exported_full.path, "vhd")
    checks.equal("after the full import it is the first image", transfer.export(session, restored).digest, before)
    transfer.upload(session, restored, exported_delta.path, "vhd", trailing_slash=True)

    # 9: what came out is what went in
    result = transfer.export(session, restored, work("restored.img"))
    checks.equal("after the differential it is the second image", result.digest, after)
    checks.equal("Content-Length of a raw export is right", result.headers.get("Content-Length"), str(size))
    checks.ok("the restored file system is clean", *images.file_system_is_clean(result.path))
    checks.equal("the first snapshot is unchanged", transfer.export(session, full).digest, before)

    foreign_readers(checks, work, session, delta, restored, second, exported_full, exported_delta)
    for vdi in (restored, delta, full, disk):
        session.call("VDI.destroy", vdi)
    shutil.rmtree(folder)
    os.remove(result.path)


def foreign_readers(checks, work, session, delta, restored, source, exported_full, exported_delta):
    """Other people's programs read the files: each whole VHD alone, the chain from its saved names."""
    whole = transfer.export(session, delta, work("whole.vhd"), "vhd")
    code, out, err = harness.run("qemu-img", "compare", "--image-opts", vpc(whole.path), "driver=raw,file.filename=" + source)
    checks.ok("qemu-img: a full VHD equals the image", code == 0, out + err)
    other = transfer.export(session, restored, work("other.vhd"), "vhd")
    code, out, err = harness.run("qemu-img", "compare", "--image-opts", vpc(whole.path), vpc(other.path))
    checks.ok("qemu-img: full VHDs of snapshot and restored disk are equal", code == 0, out + err)
    for path in (whole.path, other.path):
        os.remove(path)

    sevenzip = harness.tool("7zz", "7z")
    if not sevenzip:
        checks.skip("7-Zip reads the chain", "7-Zip is not installed")
        return
    for name, path, expected in (("the full file", exported_full.path, None), ("the chain", exported_delta.path, source)):
        target = work("unpacked.img")
        with open(target, "wb") as file:
            done = harness.subprocess.run([sevenzip, "x", "-tvhd", "-so", path], stdout=file, stderr=harness.subprocess.PIPE, timeout=300)
        digest = transfer.sha256_file(target)
        os.remove(target)
        goal = transfer.sha256_file(expected) if expected else None
        checks.ok("7-Zip reads " + name, done.returncode == 0 and (goal is None or digest == goal),
                  "%s, %s\n%s" % (digest, goal, done.stderr.decode(errors="replace")))


def vpc(path):
    return "driver=vpc,file.driver=file,file.filename=%s,force_size_calc=current_size" % path


def size_from_qemu_img(path):
    """SIZE of the recipe: what qemu-img info says, in its own manner."""
    code, out, err = harness.run("qemu-img", "info", "--output=json", path)
    if code != 0:
        raise RuntimeError(err)
    return json.loads(out)["virtual-size"]

namespace XapiCompat.Disks.Vhd;

/// <summary>Repairs that need no decision.</summary>
public static class VhdRepair
{
    /// <summary>
    /// Puts a damaged footer or footer copy right from the other one. Nothing that leads to data is changed, and no byte is
    /// written that belongs to a block; a file that was cut grows by the footer.
    /// </summary>
    /// <returns>False when there is nothing to repair or nothing to repair it from.</returns>
    /// <exception cref="VhdFormatException">The file is not a usable VHD; nothing was changed.</exception>
    public static bool RepairFooters(string path, FileLayer? files = null)
    {
        using var io = VhdIo.Open(path, VhdAccess.ReadWrite, files);
        var image = new VhdInspector(io, ThrowIfFatal).Inspect();
        if (image is not { Header: not null } || image.TailIsValid == image.CopyIsValid)
            return false;
        var footer = new byte[Footer.Size];
        var tail = io.Length - Footer.Size;
        if (!image.CopyIsValid)
        {
            io.Read(tail, footer);
            io.Write(0, footer);
        }
        else
        {
            io.Read(0, footer);
            io.Write(tail >= image.DataEnd && tail % VhdLimits.SectorSize == 0 ? tail : VhdLimits.RoundUp(io.Length, VhdLimits.SectorSize), footer);
        }

        io.Flush();
        return true;

        void ThrowIfFatal(VhdFinding finding)
        {
            if (finding.PreventsOpening)
                throw new VhdFormatException(finding.Error, finding.Message + " (" + path + ")");
        }
    }
}

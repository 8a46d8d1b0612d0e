using Microsoft.Win32.SafeHandles;

namespace XapiCompat.Disks.Files;

/// <summary>
/// Opens nothing but plain files, on paths through no symbolic link: see <see cref="DirectPath"/>. A link would lead to a file that no
/// root covers, a pipe would keep its reader waiting.
/// </summary>
public sealed class PlainFiles(FileLayer below) : FileLayer
{
    public override FileFault? Next(FileCall call, string path) => below.Next(call, path);

    public override SafeFileHandle Open(string path, FileMode mode, FileAccess access) => DirectPath.Open(path, mode, access);
}

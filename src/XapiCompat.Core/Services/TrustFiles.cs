using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Certificates and revocation lists that the pool trusts, as files by name. All hosts share them.</summary>
/// <param name="directory">Made when the first file comes.</param>
/// <param name="kind"><c>CERTIFICATE</c> or <c>CRL</c>: how errors begin.</param>
public sealed class TrustFiles(string directory, string kind)
{
    public IEnumerable<string> Names => Directory.Exists(directory)
        ? Directory.EnumerateFiles(directory, "*.pem").Select(f => Path.GetFileName(f)).Order(StringComparer.Ordinal)
        : [];

    public void Install(string name, string text)
    {
        var path = PathOf(name);
        if (File.Exists(path))
            throw new XenException(kind + "_ALREADY_EXISTS", name);
        Directory.CreateDirectory(directory);
        File.WriteAllText(path + ".new", text);
        File.Move(path + ".new", path);
    }

    /// <param name="force">A file that is not there is no error.</param>
    public void Uninstall(string name, bool force)
    {
        var path = PathOf(name);
        if (File.Exists(path))
            File.Delete(path);
        else if (!force)
            throw new XenException(kind + "_DOES_NOT_EXIST", name);
    }

    public string? Find(string name) => File.Exists(PathOf(name)) ? File.ReadAllText(PathOf(name)) : null;

    /// <summary>Names are those of files: letters, digits and a few marks, no leading dot, ending in <c>.pem</c>.</summary>
    private string PathOf(string name) =>
        name.Length is > 4 and < 200 && name[0] != '.' && name.EndsWith(".pem", StringComparison.Ordinal)
            && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-')
            ? Path.Combine(directory, name)
            : throw new XenException(kind + "_NAME_INVALID", name);
}

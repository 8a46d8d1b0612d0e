using XapiCompat.Values;

namespace XapiCompat.XeCli.Commands;

/// <summary>Maps on the command line in which <c>args:key:file=path</c> stands for the content of the user's file.</summary>
public static class FileArguments
{
    private const string Suffix = ":file";

    /// <param name="prefix">Name of the map.</param>
    public static async Task<XenStruct> ReadAsync(XeCall call, string prefix)
    {
        var pairs = new List<KeyValuePair<string, string>>();
        foreach (var (key, value) in call.Parameters.Map(prefix))
        {
            pairs.Add(key.EndsWith(Suffix, StringComparison.Ordinal)
                ? KeyValuePair.Create(key[..^Suffix.Length], await call.ReadAsync(value, "file " + value))
                : KeyValuePair.Create(key, value));
        }

        return XenStruct.Of(pairs);
    }
}

using System.Reflection;
using System.Text.Json;

namespace XapiCompat.Datamodel;

/// <summary>The files of xapi-spec, which this assembly carries.</summary>
public static class SpecFiles
{
    /// <param name="file">Path below xapi-spec, such as <c>xe/commands.json</c>. The caller disposes the document.</param>
    public static JsonDocument Open(string file)
    {
        using var stream = Assembly.GetExecutingAssembly().GetManifestResourceStream("xapi-spec/" + file)
            ?? throw new InvalidDataException("xapi-spec lacks " + file);
        return JsonDocument.Parse(stream);
    }
}

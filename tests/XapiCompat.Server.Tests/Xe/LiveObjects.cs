using XapiCompat.Values;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.Server.Tests.Xe;

/// <summary>An object of each class that the command line knows: one that the server has, or one that is made for the test.</summary>
internal static class LiveObjects
{
    /// <summary>Snapshots are templates, too: no VM is looked for among them.</summary>
    private static readonly (string Field, XenValue Value)[] Snapshots = [("is_a_template", true)];

    /// <summary>Its uuid.</summary>
    public static string Of(ServerHost host, GeneratedClass generated)
    {
        var store = host.Records;
        var @class = store.Model.Class(generated.Table.Class.Name);
        var wanted = generated.DefaultFilters.Select(f => (Field: f.Key.Replace('-', '_'), Value: f.Value == "true")).ToList();
        if (store.Current.All(@class).FirstOrDefault(r => wanted.TrueForAll(w => r.Flag(w.Field) == w.Value) && !(generated.Name == "vm" && r.Flag("is_control_domain"))) is { } found)
            return found.Uuid;
        var uuid = Guid.NewGuid().ToString("D");
        store.Commit(unit => unit.Insert(
            @class,
            Ref.Of(Guid.NewGuid()).Text,
            [("uuid", uuid), .. wanted.Select(w => (w.Field, (XenValue)w.Value)), .. generated.Name == "snapshot" ? Snapshots : []]));
        return uuid;
    }
}

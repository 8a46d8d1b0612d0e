using XapiCompat.Store;

namespace XapiCompat.Core.Exports;

/// <summary>What the purposes of the pool's networks say about disks over NBD.</summary>
public static class NbdPurposes
{
    public const string Secure = "nbd";
    public const string Insecure = "insecure_nbd";

    /// <summary>True: with TLS only. False: in the clear. Null: not at all, because no network says so or two contradict each other.</summary>
    public static bool? RequiresTls(RecordStore store)
    {
        var purposes = store.Current.All(store.Model.Class("network")).SelectMany(n => n.Set("purpose")).ToHashSet(StringComparer.Ordinal);
        var secure = purposes.Contains(Secure);
        return secure == purposes.Contains(Insecure) ? null : secure;
    }

    public static bool Has(Record network) => network.Set("purpose").Any(p => p is Secure or Insecure);
}

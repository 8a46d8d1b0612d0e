using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Services;

/// <summary>Trusted certificates of the pool: a file and a Certificate record each.</summary>
public sealed class TrustService(RecordStore store, TrustFiles authorities, TrustFiles trusted, TrustFiles revocations, IdSource ids, TimeProvider clock)
{
    public TrustFiles Authorities => authorities;

    public TrustFiles Revocations => revocations;

    /// <summary>A certificate authority under a name of the caller's.</summary>
    public void InstallAuthority(string name, string pem)
    {
        using var certificate = CertificateText.Parse(pem, "CA_CERTIFICATE", clock.GetUtcNow());
        authorities.Install(name, pem);
        var fields = CertificateText.Fields(certificate);
        store.Commit(unit =>
        {
            foreach (var old in Named(unit, name).ToList())
                unit.Delete(old.Reference);
            unit.Insert(unit.Model.Class("Certificate"), ids.NewReference(), [("uuid", ids.NewUuidText()), ("name", name), ("type", "ca"), .. fields]);
        });
    }

    public void UninstallAuthority(string name, bool force)
    {
        authorities.Uninstall(name, force);
        store.Commit(unit =>
        {
            var records = Named(unit, name).ToList();
            if (records.Count == 0)
                throw new XenException("INVALID_VALUE", "certificate:name", name);
            records.ForEach(r => unit.Delete(r.Reference));
        });
    }

    /// <summary>A certificate for given purposes, without a name; one that is there for such a purpose is refused.</summary>
    public string Install(bool authority, string pem, XenArray purposes)
    {
        using var certificate = CertificateText.Parse(pem, "TRUSTED_CERTIFICATE", clock.GetUtcNow());
        if (!authority && purposes.Items.Count == 0)
            throw new XenException("CERTIFICATE_LACKS_PURPOSE");
        var fields = CertificateText.Fields(certificate).ToList();
        var fingerprint = fields.Find(f => f.Field == "fingerprint_sha256").Value.ToString()!;
        var type = authority ? "ca" : "pinned";
        var uuid = ids.NewUuidText();
        return store.Commit(unit =>
        {
            foreach (var other in unit.All(unit.Model.Class("Certificate")).Where(c => c.Text("type") == type && c.Text("fingerprint_sha256") == fingerprint))
            {
                var theirs = other.Set("purpose").ToList();
                if ((theirs.Count == 0 && purposes.Items.Count == 0) || purposes.Items.Any(p => theirs.Contains(p.ToString()!)))
                    throw new XenException("TRUSTED_CERTIFICATE_ALREADY_EXISTS", fingerprint);
            }

            trusted.Install(uuid + ".pem", pem);
            var reference = ids.NewReference();
            unit.Insert(unit.Model.Class("Certificate"), reference, [("uuid", uuid), ("type", type), ("purpose", purposes), .. fields]);
            return reference;
        });
    }

    public void Uninstall(Ref certificate)
    {
        var record = store.Current.Get("Certificate", certificate);
        if (record.Text("type") is not ("ca" or "pinned"))
            throw new XenException("NOT_TRUSTED_CERTIFICATE", certificate.Text);
        store.Commit(unit => unit.Delete(certificate.Text));
        trusted.Uninstall(record.Uuid + ".pem", force: true);
        if (record.Text("name") is { Length: > 0 } name)
            authorities.Uninstall(name, force: true);
    }

    private static IEnumerable<Record> Named(UnitOfWork unit, string name) =>
        unit.All(unit.Model.Class("Certificate")).Where(c => c.Text("type") == "ca" && c.Text("name") == name && name.Length > 0);
}

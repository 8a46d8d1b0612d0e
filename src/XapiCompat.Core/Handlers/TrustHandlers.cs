using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Certificates and revocation lists that the pool trusts. The messages of a host work on files alone, those of the pool on records too.</summary>
public sealed class TrustHandlers(RecordStore store, TrustService trust)
{
    [XenMessage("pool.certificate_install")]
    public void Install(CallContext context, string name, string cert) => trust.InstallAuthority(name, cert);

    [XenMessage("pool.install_ca_certificate")]
    public void InstallAuthority(CallContext context, string name, string cert) => trust.InstallAuthority(name, cert);

    [XenMessage("pool.certificate_uninstall")]
    public void Uninstall(CallContext context, string name) => trust.UninstallAuthority(name, force: false);

    [XenMessage("pool.uninstall_ca_certificate")]
    public void UninstallAuthority(CallContext context, string name, bool force) => trust.UninstallAuthority(name, force);

    [XenMessage("pool.certificate_list")]
    public XenArray List(CallContext context) => XenArray.Of(
        store.Current.All(store.Model.Class("Certificate")).Where(c => c.Text("type") == "ca").Select(c => c.Text("name")).Where(n => n.Length > 0));

    [XenMessage("pool.crl_install")]
    public void InstallRevocations(CallContext context, string name, string crl) => trust.Revocations.Install(name, crl);

    [XenMessage("pool.crl_uninstall")]
    public void UninstallRevocations(CallContext context, string name) => trust.Revocations.Uninstall(name, force: false);

    [XenMessage("pool.crl_list")]
    public XenArray ListRevocations(CallContext context) => XenArray.Of(trust.Revocations.Names);

    [XenMessage("pool.install_trusted_certificate")]
    public void InstallTrusted(CallContext context, Ref self, bool authority, string cert, XenArray purpose)
    {
        store.Current.Get("pool", self);
        trust.Install(authority, cert, purpose);
    }

    [XenMessage("pool.uninstall_trusted_certificate")]
    public void UninstallTrusted(CallContext context, Ref self, Ref certificate)
    {
        store.Current.Get("pool", self);
        trust.Uninstall(certificate);
    }

    [XenMessage("host.install_ca_certificate")]
    public void InstallOnHost(CallContext context, Ref host, string name, string cert)
    {
        store.Current.Get("host", host);
        trust.Authorities.Install(name, cert);
    }

    [XenMessage("host.uninstall_ca_certificate")]
    public void UninstallOnHost(CallContext context, Ref host, string name, bool force)
    {
        store.Current.Get("host", host);
        trust.Authorities.Uninstall(name, force);
    }

    [XenMessage("host.certificate_list")]
    public XenArray ListOnHost(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        return XenArray.Of(trust.Authorities.Names);
    }

    [XenMessage("host.crl_install")]
    public void InstallRevocationsOnHost(CallContext context, Ref host, string name, string crl)
    {
        store.Current.Get("host", host);
        trust.Revocations.Install(name, crl);
    }

    [XenMessage("host.crl_uninstall")]
    public void UninstallRevocationsOnHost(CallContext context, Ref host, string name)
    {
        store.Current.Get("host", host);
        trust.Revocations.Uninstall(name, force: false);
    }

    [XenMessage("host.crl_list")]
    public XenArray ListRevocationsOnHost(CallContext context, Ref host)
    {
        store.Current.Get("host", host);
        return XenArray.Of(trust.Revocations.Names);
    }
}

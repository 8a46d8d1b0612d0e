using XapiCompat.Core.Dispatch;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Services;
using XapiCompat.Store;
using XapiCompat.Values;

namespace XapiCompat.Core.Handlers;

/// <summary>Update repositories as records, and which of them the pool uses.</summary>
public sealed class RepositoryHandlers(RecordStore store, OperationGuard guard, IdSource ids)
{
    private const string RemotePoolPath = "/repository/enabled";

    [XenMessage("Repository.introduce")]
    public Ref Introduce(CallContext context, string name, string description, string binaryUrl, string sourceUrl, bool update, string keyPath)
    {
        foreach (var url in (string[])[binaryUrl, sourceUrl])
        {
            if (!IsWebAddress(url))
                throw new XenException("INVALID_BASE_URL", url);
        }

        CheckKeyPath(keyPath);
        return Add(name, binaryUrl, "remote", ("name_description", description), ("source_url", sourceUrl), ("update", update), ("gpgkey_path", keyPath));
    }

    [XenMessage("Repository.introduce_bundle")]
    public Ref IntroduceBundle(CallContext context, string name, string description)
    {
        if (store.Current.All(store.Model.Class("Repository")).FirstOrDefault(r => r.Text("origin") == "bundle") is { } bundle && bundle.Text("name_label") != name)
            throw new XenException("BUNDLE_REPOSITORY_ALREADY_EXISTS", bundle.Reference);
        return Add(name, "", "bundle", ("name_description", description), ("update", true));
    }

    [XenMessage("Repository.introduce_remote_pool")]
    public Ref IntroduceRemotePool(CallContext context, string name, string description, string binaryUrl, string certificate)
    {
        if (!Uri.TryCreate(binaryUrl, UriKind.Absolute, out var url) || url.Scheme != "https" || url.AbsolutePath != RemotePoolPath
            || url.HostNameType is not (UriHostNameType.IPv4 or UriHostNameType.IPv6))
            throw new XenException("INVALID_BASE_URL", binaryUrl);
        return Add(name, binaryUrl, "remote_pool", ("name_description", description), ("update", true), ("certificate", certificate));
    }

    [XenMessage("Repository.forget")]
    public void Forget(CallContext context, Ref self) => store.Commit(unit =>
    {
        unit.Get("Repository", self);
        if (PoolHosts.Pool(unit).Set("repositories").Contains(self.Text))
            throw new XenException("REPOSITORY_IS_IN_USE");
        unit.Delete(self.Text);
    });

    [XenMessage("Repository.set_gpgkey_path")]
    public void SetKeyPath(CallContext context, Ref self, string value) => store.Commit(unit =>
    {
        unit.Get("Repository", self);
        CheckKeyPath(value);
        unit.Set(self.Text, "gpgkey_path", value);
    });

    [XenMessage("pool.set_repositories")]
    public ValueTask SetRepositories(CallContext context, Ref self, XenArray value) => ConfigureAsync(context, self, _ => [.. value.Items.Select(v => v.ToString()!)]);

    [XenMessage("pool.add_repository")]
    public ValueTask AddRepository(CallContext context, Ref self, Ref value) => ConfigureAsync(context, self, now => now.Contains(value.Text) ? now : [.. now, value.Text]);

    [XenMessage("pool.remove_repository")]
    public ValueTask RemoveRepository(CallContext context, Ref self, Ref value)
    {
        store.Current.Get("pool", self);
        store.Current.Get("Repository", value);
        return ConfigureAsync(context, self, now => [.. now.Where(r => r != value.Text)]);
    }

    [XenMessage("pool.set_update_sync_enabled")]
    public void SetSyncEnabled(CallContext context, Ref self, bool value) => store.Commit(unit =>
    {
        var used = unit.Get("pool", self).Set("repositories").Select(unit.Find).OfType<Record>().ToList();
        if (value && used.Count == 0)
            throw new XenException("NO_REPOSITORIES_CONFIGURED");
        if (value && used.Exists(r => r.Text("origin") != "remote"))
            throw new XenException("CAN_NOT_PERIODIC_SYNC_UPDATES");
        unit.Set(self.Text, "update_sync_enabled", value);
    });

    [XenMessage("pool.configure_repository_proxy")]
    public void ConfigureProxy(CallContext context, Ref self, string url, string user, string password) => store.Commit(unit =>
    {
        var pool = unit.Get("pool", self);
        if (!IsWebAddress(url))
            throw new XenException("INVALID_REPOSITORY_PROXY_URL", url);
        if (user.Length == 0 != (password.Length == 0) || user.Contains('\n') || password.Contains('\n'))
            throw new XenException("INVALID_REPOSITORY_PROXY_CREDENTIAL");
        SetProxy(unit, pool, url, user, password.Length == 0 ? Ref.Null.Text : PoolEdits.NewSecret(unit, ids, password));
    });

    [XenMessage("pool.disable_repository_proxy")]
    public void DisableProxy(CallContext context, Ref self) => store.Commit(unit => SetProxy(unit, unit.Get("pool", self), "", "", Ref.Null.Text));

    private static void SetProxy(UnitOfWork unit, Record pool, string url, string user, string secret)
    {
        unit.Delete(pool.Target("repository_proxy_password"));
        unit.Set(pool.Reference, "repository_proxy_url", url);
        unit.Set(pool.Reference, "repository_proxy_username", Storable.Clean(user));
        unit.Set(pool.Reference, "repository_proxy_password", secret);
    }

    /// <summary>What was synchronised before counts no more when the set changes.</summary>
    private async ValueTask ConfigureAsync(CallContext context, Ref self, Func<IReadOnlyList<string>, IReadOnlyList<string>> change)
    {
        await using var scope = await guard.BeginAsync(context, [new("pool", self.Text, "configure_repositories")]);
        store.Commit(unit =>
        {
            var now = unit.Get("pool", self).Set("repositories").ToList();
            var next = change(now).Distinct().ToList();
            var origins = next.ConvertAll(r => unit.Get("Repository", r).Text("origin"));
            if (origins.Count > 1 && origins.Exists(o => o != "remote"))
                throw new XenException("REPO_SHOULD_BE_SINGLE_ONE_ENABLED");
            var added = next.Except(now).ToList();
            foreach (var repository in added)
                unit.Set(repository, "hash", "");
            unit.Set(self.Text, "repositories", XenArray.Of(next));
            if (added.Count > 0 || next.Count == 0)
                unit.Set(self.Text, "last_update_sync", XenDate.Never);
            if (next.Count == 0)
            {
                foreach (var host in PoolHosts.Hosts(unit))
                    unit.Set(host.Reference, "latest_synced_updates_applied", "unknown");
            }

            if (origins.Exists(o => o != "remote"))
                unit.Set(self.Text, "update_sync_enabled", false);
            scope.End(unit);
        });
    }

    private Ref Add(string name, string binaryUrl, string origin, params IEnumerable<(string Field, XenValue Value)> fields) => store.Commit(unit =>
    {
        var @class = unit.Model.Class("Repository");
        if (unit.All(@class).FirstOrDefault(r => r.Text("name_label") == name || (binaryUrl.Length > 0 && r.Text("binary_url") == binaryUrl)) is { } other)
            throw new XenException("REPOSITORY_ALREADY_EXISTS", other.Reference);
        var reference = ids.NewReference();
        unit.Insert(
            @class,
            reference,
            [
                ("uuid", ids.NewUuidText()), ("name_label", Storable.Clean(name)), ("binary_url", Storable.Clean(binaryUrl)), ("origin", origin),
                .. fields.Select(f => (f.Field, Storable.Clean(f.Value))),
            ]);
        return new Ref(reference);
    });

    private static bool IsWebAddress(string text) => Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https";

    private static void CheckKeyPath(string path)
    {
        if (!path.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            throw new XenException("INVALID_GPGKEY_PATH", path);
    }
}

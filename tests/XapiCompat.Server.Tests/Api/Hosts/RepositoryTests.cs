using FluentAssertions;
using XapiCompat.Server.Tests.Support;
using Xunit;

namespace XapiCompat.Server.Tests.Api.Hosts;

/// <summary>Update repositories are introduced, used by the pool and forgotten.</summary>
public sealed class RepositoryTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Fact]
    [SeesEffectOf("Repository.introduce", "Repository.introduce_bundle", "Repository.introduce_remote_pool", "Repository.forget", "Repository.set_gpgkey_path")]
    [SeesEffectOf("pool.set_repositories", "pool.add_repository", "pool.remove_repository", "pool.set_update_sync_enabled")]
    public async Task Repositories_are_introduced_and_used()
    {
        var client = await server.LoginAsync();
        var pool = (await client.ListAsync("pool.get_all"))[0];
        var remote = await client.TextAsync("Repository.introduce", "base", "packages", "https://a.example/b", "https://a.example/s", true, "");
        var record = await client.RecordAsync("Repository", remote);
        record["binary_url"]!.GetValue<string>().Should().Be("https://a.example/b");
        record["source_url"]!.GetValue<string>().Should().Be("https://a.example/s");
        record["origin"]!.GetValue<string>().Should().Be("remote");
        record["update"]!.GetValue<bool>().Should().BeTrue();
        (await client.ErrorAsync("Repository.introduce", "base", "", "https://c.example", "https://c.example", true)).Should().Equal("REPOSITORY_ALREADY_EXISTS", remote);
        (await client.ErrorAsync("Repository.introduce", "x", "", "ftp://c.example", "https://c.example", true)).Should().Equal("INVALID_BASE_URL", "ftp://c.example");
        (await client.ErrorAsync("Repository.set_gpgkey_path", remote, "a/b")).Should().Equal("INVALID_GPGKEY_PATH", "a/b");
        await client.CallAsync("Repository.set_gpgkey_path", remote, "KEY-1");
        (await client.TextAsync("Repository.get_gpgkey_path", remote)).Should().Be("KEY-1");
        var bundle = await client.TextAsync("Repository.introduce_bundle", "bundle", "");
        (await client.TextAsync("Repository.get_origin", bundle)).Should().Be("bundle");
        (await client.ErrorAsync("Repository.introduce_bundle", "other", "")).Should().Equal("BUNDLE_REPOSITORY_ALREADY_EXISTS", bundle);
        var other = await client.TextAsync("Repository.introduce_remote_pool", "other pool", "", "https://192.0.2.1/repository/enabled", "PEM");
        (await client.TextAsync("Repository.get_origin", other)).Should().Be("remote_pool");
        (await client.TextAsync("Repository.get_certificate", other)).Should().Be("PEM");
        (await client.ErrorAsync("Repository.introduce_remote_pool", "x", "", "https://192.0.2.1/x", "")).Should().Equal("INVALID_BASE_URL", "https://192.0.2.1/x");

        (await client.ErrorAsync("pool.set_update_sync_enabled", pool, true)).Should().Equal("NO_REPOSITORIES_CONFIGURED");
        await client.CallAsync("pool.set_repositories", pool, JsonArguments.Array([remote]));
        (await client.ListAsync("pool.get_repositories", pool)).Should().Equal(remote);
        (await client.ErrorAsync("Repository.forget", remote)).Should().Equal("REPOSITORY_IS_IN_USE");
        await client.CallAsync("pool.set_update_sync_enabled", pool, true);
        (await client.FlagAsync("pool.get_update_sync_enabled", pool)).Should().BeTrue();
        (await client.ErrorAsync("pool.add_repository", pool, bundle)).Should().Equal("REPO_SHOULD_BE_SINGLE_ONE_ENABLED");
        var second = await client.TextAsync("Repository.introduce", "second", "", "https://d.example/b", "https://d.example/s", true);
        await client.CallAsync("pool.add_repository", pool, second);
        (await client.ListAsync("pool.get_repositories", pool)).Should().BeEquivalentTo(remote, second);
        await client.CallAsync("pool.set_repositories", pool, JsonArguments.Array([bundle]));
        (await client.FlagAsync("pool.get_update_sync_enabled", pool)).Should().BeFalse("a bundle is not synchronised by itself");
        (await client.ErrorAsync("pool.set_update_sync_enabled", pool, true)).Should().Equal("CAN_NOT_PERIODIC_SYNC_UPDATES");
        await client.CallAsync("pool.remove_repository", pool, bundle);
        (await client.ListAsync("pool.get_repositories", pool)).Should().BeEmpty();
        (await client.CallAsync("pool.get_current_operations", pool)).AsObject().Should().BeEmpty();
        await client.CallAsync("Repository.forget", bundle);
        (await client.ErrorAsync("Repository.get_uuid", bundle)).Should().HaveElementAt(0, "HANDLE_INVALID");
    }

    [Fact]
    [SeesEffectOf("pool.configure_repository_proxy", "pool.disable_repository_proxy")]
    public async Task A_proxy_keeps_its_password_as_a_secret()
    {
        var client = await server.LoginAsync();
        var pool = (await client.ListAsync("pool.get_all"))[0];
        await client.CallAsync("pool.configure_repository_proxy", pool, "http://proxy.example:3128", "user", "pass");
        (await client.TextAsync("pool.get_repository_proxy_url", pool)).Should().Be("http://proxy.example:3128");
        (await client.TextAsync("pool.get_repository_proxy_username", pool)).Should().Be("user");
        var secret = await client.TextAsync("pool.get_repository_proxy_password", pool);
        (await client.TextAsync("secret.get_value", secret)).Should().Be("pass");
        (await client.ErrorAsync("pool.configure_repository_proxy", pool, "x", "", "")).Should().Equal("INVALID_REPOSITORY_PROXY_URL", "x");
        (await client.ErrorAsync("pool.configure_repository_proxy", pool, "http://p.example", "user", "")).Should().Equal("INVALID_REPOSITORY_PROXY_CREDENTIAL");
        await client.CallAsync("pool.disable_repository_proxy", pool);
        (await client.TextAsync("pool.get_repository_proxy_url", pool)).Should().BeEmpty();
        (await client.TextAsync("pool.get_repository_proxy_password", pool)).Should().Be(Records.Null);
        (await client.ErrorAsync("secret.get_value", secret)).Should().HaveElementAt(0, "HANDLE_INVALID");
    }
}

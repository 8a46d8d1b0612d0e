using System.Net.Sockets;
using System.Text.Json;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using XapiCompat.Core.Access;
using XapiCompat.Core.Operations;
using XapiCompat.Core.Seed;
using XapiCompat.Core.Services;
using XapiCompat.Datamodel;
using XapiCompat.Server.Cli;
using XapiCompat.Server.Nbd;
using XapiCompat.Server.Lab;
using XapiCompat.Server.Rpc;
using XapiCompat.Storage;
using XapiCompat.Store;
using XapiCompat.XeCli.Commands;
using XapiCompat.XeCli.Tables;

namespace XapiCompat.Server;

/// <summary>The whole server: everything is made, joined and ended here.</summary>
public sealed class ServerHost : IAsyncDisposable
{
    private readonly StateDirectory _state;
    private readonly RecordStore _store;
    private readonly StorageHost _storage;
    private readonly WebApplication _app;
    private readonly CancellationTokenSource _stopping;
    private readonly Task _housekeeping;
    private readonly NbdListener? _nbd;

    private ServerHost(StateDirectory state, RecordStore store, StorageHost storage, WebApplication app, CancellationTokenSource stopping, NbdListener? nbd, Task housekeeping)
    {
        _state = state;
        _store = store;
        _storage = storage;
        _app = app;
        _stopping = stopping;
        _nbd = nbd;
        _housekeeping = housekeeping;
    }

    /// <summary>With the bound port; null when the listener is off.</summary>
    public Uri? Http { get; private init; }

    public Uri? Https { get; private init; }

    /// <summary>With the bound port; null when the listener is off.</summary>
    public Uri? Nbd => _nbd is null ? null : new("nbd://" + _nbd.Endpoint);

    /// <summary>NBD connections under way.</summary>
    public int NbdConnections => _nbd?.Connections ?? 0;

    /// <summary>Path of the local socket; null when it is off.</summary>
    public string? Unix { get; private init; }

    /// <summary>The hosts of the pool beside the master, as uuid and address; all listen on the master's ports.</summary>
    public IReadOnlyList<(string Uuid, string Address)> Members { get; private init; } = [];

    /// <summary>PEM file with the TLS certificate.</summary>
    public string Certificate => _state.Certificate;

    public string StatePath => _state.Path;

    public RecordStore Records => _store;

    /// <summary>Messages with code of their own.</summary>
    public IReadOnlyCollection<MessageDef> BoundMessages { get; private init; } = [];

    internal ApiServices Api { get; private init; } = null!;

    /// <summary>The line that says that the server is ready.</summary>
    public string ReadyLine(ServerOptions options)
    {
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer, new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }))
        {
            writer.WriteStartObject();
            writer.WriteString("http", Http?.GetLeftPart(UriPartial.Authority));
            writer.WriteString("https", Https?.GetLeftPart(UriPartial.Authority));
            writer.WriteString("nbd", Nbd?.GetLeftPart(UriPartial.Authority));
            writer.WriteString("unix", Unix);
            writer.WriteString("user", options.User);
            writer.WriteNumber("pid", Environment.ProcessId);
            writer.WriteString("certificate", Https is null ? null : Certificate);
            if (Members.Count > 0)
            {
                writer.WriteStartArray("members");
                foreach (var (uuid, address) in Members)
                {
                    writer.WriteStartObject();
                    writer.WriteString("uuid", uuid);
                    writer.WriteString("address", address);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
            }

            writer.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    /// <summary>Starts a server; returns when it accepts connections. Throws <see cref="StartFailure"/> with the reason.</summary>
    public static async Task<ServerHost> StartAsync(ServerOptions options, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        clock ??= TimeProvider.System;
        var state = StateDirectory.Open(options.State);
        StorageHost? storage = null;
        NbdListener? nbd = null;
        var stopping = new CancellationTokenSource();
        var certificate = new ServerCertificateFile(state.Certificate, Environment.MachineName, clock);
        var pause = CollectorPause.For(state.Database, options.Seed);
        // What takes long and does not depend on each other is done on all processors.
        var file = RecordFile.Open(state.Database, options.Durable);
        var certifying = options.Https is null ? Task.CompletedTask : Task.Run(() => certificate.Current, CancellationToken.None);
        var building = Task.Run(() => new HttpPipeline(options), CancellationToken.None);
        try
        {
            var model = Model.Load();
            var store = await BeginStoreAsync(file, model, state);
            var loading = store.LoadAsync(file, clock.GetUtcNow());
            var ids = new IdSource();
            var log = new ServerLog();
            var planned = new PlannedVolumes(state.PlannedVolumes, options.Durable);
            storage = new StorageHost(store, StoragePlugins.All(state, options, clock).Select(options.WrapStorage), planned);
            storage.OnProblem = log.SrProblem;
            var credentials = PasswordFile.Credentials(state, options, options.Users is null ? [] : UsersFile.Read(options.Users));
            var api = new ApiServices(store, storage, credentials, options, certificate, ids, clock, log, stopping.Token);
            await loading;
            await PrepareAsync(store, storage, planned, api, ids, clock, options, log, cancellationToken);
            api.Volumes.Changed = api.Collector.Trigger;
            api.Collector.TriggerAll();
            options.Lab?.Open(store);
            api.Roles.Plant(store);
            UserSubjects.Plant(store, credentials, ids);

            var hosts = PoolAddresses.OfHosts(store);
            var addressed = options with { Http = PoolAddresses.WithPort(options.Http, hosts), Https = PoolAddresses.WithPort(options.Https, hosts) };
            var calls = options.CallLog is { } path ? new CallLog(path, model) : null;
            var rpc = new RpcEndpoint(api.Dispatcher, api.Sessions, api.Places, new(model), calls, options.Lab?.Points, stopping.Token);
            var cli = new CliEndpoint(api.Dispatcher, api.Places, () => new(CommandClasses.Bind(XeTables.Load(model)), clock, log.Unexpected), calls, clock, new());
            var pipeline = await building;
            pipeline.Connect(addressed, certificate, clock, rpc, api.Transfers, api.Places, hosts, cli, options.Lab is null ? null : LabEndpoint.Open(options.State, api.Plugin));
            var app = pipeline.App;
            nbd = NbdListeners.Start(options, hosts, api, store, storage, certificate, clock, log);
            await ListenAsync(app, addressed, cancellationToken);
            var bound = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses
                .Where(a => !a.Contains("//unix:", StringComparison.Ordinal)).Select(a => new Uri(a)).ToList();
            return new(state, store, storage, app, stopping, nbd, Task.WhenAll(Task.Run(() => FinishStart(store, pause, stopping.Token), CancellationToken.None), HousekeepAsync(api.Sessions, api.Tasks, api.Schedules, clock, log, stopping.Token)))
            {
                BoundMessages = api.BoundMessages,
                Api = api,
                Http = bound.FirstOrDefault(u => u.Scheme == "http"),
                Https = bound.FirstOrDefault(u => u.Scheme == "https"),
                Unix = options.Unix is null ? null : Path.GetFullPath(options.Unix),
                Members = PoolAddresses.OfMembers(store),
            };
        }
        catch (Exception e)
        {
            await Task.WhenAny(certifying);
            await (await building).DisposeAsync();
            if (nbd is not null)
                await nbd.DisposeAsync();
            if (storage is not null)
                await storage.DisposeAsync();
            await file.DisposeAsync();
            state.Dispose();
            pause.Dispose();
            if (e is SeedException)
                throw new StartFailure(e.Message);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        using (var limit = new CancellationTokenSource(TimeSpan.FromSeconds(5)))
            await _app.StopAsync(limit.Token);
        await _app.DisposeAsync();
        if (Unix is not null)
            LocalSocket.Remove(Unix);
        if (_nbd is not null)
            await _nbd.DisposeAsync();
        await Api.LiveExports.StopAllAsync();
        await _housekeeping;
        await Api.Collector.EndAsync();
        await _storage.DisposeAsync();
        _store.Dispose();
        _state.Dispose();
        _stopping.Dispose();
    }

    private static async Task<RecordStore> BeginStoreAsync(RecordFile file, Model model, StateDirectory state)
    {
        try
        {
            return await RecordStore.BeginAsync(file, model);
        }
        catch (StateVersionException e)
        {
            throw new StartFailure(e.Message + ": " + state.Path);
        }
    }

    /// <summary>First inventory, attached SRs, finished or undone operations, fields that are not stored.</summary>
    private static async Task PrepareAsync(
        RecordStore store, StorageHost storage, PlannedVolumes planned, ApiServices api, IdSource ids, TimeProvider clock, ServerOptions options, ServerLog log, CancellationToken cancellationToken)
    {
        var inventory = new Inventory(store, ids, clock, new(Environment.MachineName, hosts => PoolAddresses.Of(options, hosts)));
        var seedIds = inventory.Plant(options.Seed, planned, sr => storage.PluginOf(sr)?.Query().Features.ContainsKey("VDI_SNAPSHOT") == true);
        store.Commit(unit => SmRecords.Register(unit, seedIds, storage.Descriptions));
        await storage.AttachAllAsync(log.SrNotAttached, cancellationToken);
        await new IntentRecovery(store, storage, api.Volumes).RunAsync(cancellationToken);
        await new CbtStartCheck(store, storage, api.Volumes).RunAsync(cancellationToken);
        await new SeedSnapshots(store, storage, ids, clock).TakeAsync(cancellationToken);
        foreach (var sr in store.Current.All(store.Model.Class("SR")).Where(s => storage.TryAttached(s) is not null).ToList())
        {
            var stat = await storage.Attached(sr).StatAsync(cancellationToken);
            // A disk that was written when the server was killed is longer than its record says.
            var agrees = store.Commit(unit => VolumeRecords.Sizes(unit, sr).Used) == stat.PhysicalUtilisation;
            var volumes = agrees ? [] : await storage.Attached(sr).ListAsync(cancellationToken);
            store.Commit(unit => VolumeRecords.Measure(unit, sr, volumes, stat));
        }

        inventory.Refresh();
        await api.Machines.Recovery.RunAsync(cancellationToken);
        AllowedOperations.DeriveLater(store);
        store.Derive = AllowedOperations.Derive;
    }

    /// <summary>What clients need not wait for.</summary>
    private static void FinishStart(RecordStore store, CollectorPause pause, CancellationToken stopping)
    {
        AllowedOperations.DeriveRest(store, stopping);
        pause.Dispose();
    }

    private static async Task ListenAsync(WebApplication app, ServerOptions options, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (IOException e) when (e.InnerException is not null)
        {
            throw new StartFailure("cannot listen on " + string.Join(" and ", new object?[] { options.Http, options.Https, options.Unix }.OfType<object>()) + ": " + e.Message);
        }
        catch (SocketException e)
        {
            throw new StartFailure("cannot listen on " + string.Join(" and ", new object?[] { options.Http, options.Https, options.Unix }.OfType<object>()) + ": " + e.Message);
        }
    }

    private static async Task HousekeepAsync(SessionService sessions, TaskService tasks, VmssService schedules, TimeProvider clock, ServerLog log, CancellationToken stopping)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(30), clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stopping))
            {
                try
                {
                    sessions.Collect();
                    tasks.Collect();
                    await schedules.RunDueAsync(stopping);
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    log.Unexpected("housekeeping", e);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }
}

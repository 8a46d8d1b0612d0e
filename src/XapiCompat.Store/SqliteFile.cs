using System.Collections.Concurrent;
using Dapper;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using XapiCompat.Datamodel;

namespace XapiCompat.Store;

/// <summary>The SQLite file behind the records: one row per object, read once at start, written through at each commit. All SQL is here.</summary>
internal sealed class SqliteFile : IDisposable
{
    /// <summary>Raised whenever an older server could not read the file any more.</summary>
    public const int SchemaVersion = 1;

    private readonly SqliteConnection _connection;
    private readonly Model _model;
    private readonly RecordCodec _codec = new();

    private SqliteFile(SqliteConnection connection, Model model)
    {
        _connection = connection;
        _model = model;
    }

    public static SqliteFile Open(string path, Model model, bool durable)
    {
        Batteries_V2.Init();
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Pooling = false }.ToString());
        try
        {
            connection.Open();
            // WAL: a commit is one append. NORMAL survives a killed process, FULL a power cut as well.
            connection.Execute("PRAGMA journal_mode=WAL");
            connection.Execute(durable ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
            var version = connection.ExecuteScalar<int>("PRAGMA user_version");
            if (version > SchemaVersion)
                throw new StateVersionException(version, SchemaVersion);
            if (version == 0)
            {
                connection.Execute($"""
                    BEGIN;
                    CREATE TABLE objects (ref TEXT PRIMARY KEY, class TEXT NOT NULL, uuid TEXT, created INTEGER NOT NULL, modified INTEGER NOT NULL, fields TEXT NOT NULL) WITHOUT ROWID;
                    CREATE TABLE intents (id TEXT PRIMARY KEY, sr TEXT NOT NULL, operation TEXT NOT NULL, keys TEXT NOT NULL) WITHOUT ROWID;
                    CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
                    PRAGMA user_version={SchemaVersion};
                    COMMIT;
                    """);
            }

            return new(connection, model);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void Dispose() => _connection.Dispose();

    /// <summary>Moves everything from the write-ahead log into the database file and syncs it to disk.</summary>
    public void Checkpoint() => _connection.Execute("PRAGMA wal_checkpoint(TRUNCATE)");

    public string? ReadMeta(string name) =>
        _connection.ExecuteScalar<string?>("SELECT value FROM meta WHERE name = @name", new { name });

    /// <summary>All objects in the order of their references. Rows are read here and decoded beside.</summary>
    public List<Record> ReadObjects()
    {
        var batches = new List<Task<List<Record>>>();
        var codecs = new ConcurrentBag<RecordCodec>();
        var batch = new RowBatch();
        var classes = new Dictionary<string, ClassDef?>(StringComparer.Ordinal);
        Check(raw.sqlite3_prepare_v2(_connection.Handle, "SELECT class, ref, created, modified, fields FROM objects ORDER BY ref", out var statement));
        using (statement)
        {
            int code;
            while ((code = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                var name = raw.sqlite3_column_text(statement, 0).utf8_to_string();
                if (!classes.TryGetValue(name, out var definition))
                    classes[name] = definition = _model.FindClass(name);
                // A class that a later datamodel dropped takes its objects along.
                if (definition is null)
                    continue;
                batch.Add(
                    definition,
                    raw.sqlite3_column_text(statement, 1).utf8_to_string(),
                    raw.sqlite3_column_int64(statement, 2),
                    raw.sqlite3_column_int64(statement, 3),
                    raw.sqlite3_column_blob(statement, 4));
                if (!batch.IsFull)
                    continue;
                batches.Add(Decode(batch));
                batch = new RowBatch();
            }

            Check(code == raw.SQLITE_DONE ? raw.SQLITE_OK : code);
        }

        var last = batch.Decode(_codec);
        return [.. batches.SelectMany(b => b.GetAwaiter().GetResult()), .. last];

        Task<List<Record>> Decode(RowBatch full) => Task.Run(() =>
        {
            if (!codecs.TryTake(out var codec))
                codec = new RecordCodec();
            var records = full.Decode(codec);
            codecs.Add(codec);
            return records;
        });
    }

    public IEnumerable<Intent> ReadIntents() =>
        _connection.Query<IntentRow>("SELECT id, sr, operation, keys FROM intents ORDER BY id")
            .Select(r => new Intent(r.Id, r.Sr, r.Operation, r.Keys.Split('\n')));

    /// <summary>
    /// One transaction; nothing is written when there is nothing durable in it. Throws <see cref="StoreFullException"/>
    /// with nothing written when the file system is full.
    /// </summary>
    public void Write(
        IEnumerable<Record> written, IEnumerable<Record> deleted, IReadOnlyList<Intent> intents, IReadOnlyList<string> endedIntents, IReadOnlyDictionary<string, string> facts)
    {
        var upserts = written.Where(r => r.Class.Persistent).ToList();
        var deletes = deleted.Where(r => r.Class.Persistent).ToList();
        if (upserts.Count + deletes.Count + intents.Count + endedIntents.Count + facts.Count == 0)
            return;

        try
        {
            InTransaction(() => WriteAll(upserts, deletes, intents, endedIntents, facts));
        }
        catch (SqliteException e) when (e.SqliteErrorCode == raw.SQLITE_FULL)
        {
            throw new StoreFullException(_connection.DataSource, e);
        }
    }

    private void WriteAll(List<Record> upserts, List<Record> deletes, IReadOnlyList<Intent> intents, IReadOnlyList<string> endedIntents, IReadOnlyDictionary<string, string> facts)
    {
        if (upserts.Count > 0)
            Upsert(upserts);
        foreach (var record in deletes)
            _connection.Execute("DELETE FROM objects WHERE ref = @Reference", new { record.Reference });
        foreach (var intent in intents)
        {
            _connection.Execute(
                "INSERT INTO intents (id, sr, operation, keys) VALUES (@Id, @Sr, @Operation, @Keys)",
                new { intent.Id, intent.Sr, intent.Operation, Keys = string.Join('\n', intent.Keys) });
        }

        foreach (var id in endedIntents)
            _connection.Execute("DELETE FROM intents WHERE id = @id", new { id });
        foreach (var (name, value) in facts)
            WriteMeta(name, value);
    }

    /// <summary>One prepared statement for all; in the order of the key, so that thousands of rows fill page after page.</summary>
    private void Upsert(List<Record> records)
    {
        if (records.Count > 1)
            records.Sort((a, b) => string.CompareOrdinal(a.Reference, b.Reference));
        Check(raw.sqlite3_prepare_v2(
            _connection.Handle,
            "INSERT INTO objects (ref, class, uuid, created, modified, fields) VALUES (?1, ?2, ?3, ?4, ?5, ?6) " +
            "ON CONFLICT (ref) DO UPDATE SET uuid = excluded.uuid, modified = excluded.modified, fields = excluded.fields",
            out var statement));
        using (statement)
        {
            foreach (var record in records)
            {
                Check(raw.sqlite3_bind_text(statement, 1, record.Reference));
                Check(raw.sqlite3_bind_text(statement, 2, record.Class.Name));
                Check(record.Class.Find("uuid") is null ? raw.sqlite3_bind_null(statement, 3) : raw.sqlite3_bind_text(statement, 3, record.Uuid));
                Check(raw.sqlite3_bind_int64(statement, 4, record.Created));
                Check(raw.sqlite3_bind_int64(statement, 5, record.Modified));
                Check(raw.sqlite3_bind_text(statement, 6, _codec.Encode(record)));
                var code = raw.sqlite3_step(statement);
                raw.sqlite3_reset(statement);
                Check(code == raw.SQLITE_DONE ? raw.SQLITE_OK : code);
            }
        }
    }

    private void Check(int code) => SqliteException.ThrowExceptionForRC(code, _connection.Handle);

    /// <summary>SQLite rolls back by itself when it runs out of space, which the driver's transactions do not expect.</summary>
    private void InTransaction(Action write)
    {
        _connection.Execute("BEGIN IMMEDIATE");
        try
        {
            write();
            _connection.Execute("COMMIT");
        }
        catch
        {
            if (raw.sqlite3_get_autocommit(_connection.Handle) == 0)
                _connection.Execute("ROLLBACK");
            throw;
        }
    }

    private void WriteMeta(string name, string value) =>
        _connection.Execute(
            "INSERT INTO meta (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            new { name, value });

    private sealed class IntentRow
    {
        public string Id { get; init; } = "";

        public string Sr { get; init; } = "";

        public string Operation { get; init; } = "";

        public string Keys { get; init; } = "";
    }
}

/// <summary>The state was written by a newer server.</summary>
public sealed class StateVersionException(int found, int supported)
    : Exception($"the state was written by a newer version (format {found}, this server reads up to {supported})");

/// <summary>There is no space left for a commit.</summary>
internal sealed class StoreFullException(string path, Exception inner) : Exception("no space left for " + path, inner)
{
    public string Path { get; } = path;
}

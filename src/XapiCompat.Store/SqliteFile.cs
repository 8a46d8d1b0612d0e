using System.Text;
using Dapper;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace XapiCompat.Store;

/// <summary>
/// The SQLite file behind the records: one row per object, read once at start, written through at each commit. All SQL is here.
/// For one thread at a time.
/// </summary>
internal sealed class SqliteFile : IDisposable
{
    /// <summary>Raised whenever an older server could not read the file any more.</summary>
    public const int SchemaVersion = 1;

    private readonly string _path;
    private readonly SqliteConnection _connection;
    private readonly RecordCodec _codec = new();
    private readonly StatementParameters _row = new("@ref", "@class", "@uuid", "@created", "@modified", "@fields");
    private readonly StatementParameters _reference = new("@ref");
    private readonly StatementParameters _intent = new("@id", "@sr", "@operation", "@keys");
    private readonly StatementParameters _id = new("@id");
    private readonly StatementParameters _fact = new("@name", "@value");
    private readonly StatementParameters _name = new("@name");

    private SqliteFile(string path, SqliteConnection connection)
    {
        _path = path;
        _connection = connection;
    }

    public static SqliteFile Open(string path, bool durable)
    {
        var connection = Connect(path, SqliteOpenMode.ReadWriteCreate);
        try
        {
            // WAL: a commit is one append. NORMAL survives a killed process, FULL a power cut as well.
            connection.Execute(durable ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL" : "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
            var version = VersionOf(connection);
            var file = new SqliteFile(path, connection);
            if (version == 0)
                file.InTransaction(file.MakeTables);
            return file;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>For a look beside a running server, or without one.</summary>
    public static SqliteFile OpenReadOnly(string path)
    {
        var connection = Connect(path, SqliteOpenMode.ReadOnly);
        try
        {
            _ = VersionOf(connection);
            return new(path, connection);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public void Dispose() => _connection.Dispose();

    /// <summary>Everything that SQLite finds wrong with the file; empty when it is sound.</summary>
    public IReadOnlyList<string> CheckIntegrity() =>
        [.. _connection.Query<string>("PRAGMA integrity_check").Where(line => line != "ok")];

    /// <summary>Moves everything from the write-ahead log into the database file and syncs it to disk.</summary>
    public void Checkpoint() => _connection.Execute("PRAGMA wal_checkpoint(TRUNCATE)");

    public string? ReadMeta(string name) =>
        _connection.ExecuteScalar<string?>("SELECT value FROM meta WHERE name = @name", _name.With(name));

    /// <summary>All objects in the order of their references, as they lie in the file; each batch is handed over once it is full.</summary>
    public void ReadRows(Action<RowBatch> take)
    {
        var batch = new RowBatch();
        // Past Dapper and its driver, which have no way to the bytes of a text without a string of it.
        Check(raw.sqlite3_prepare_v2(_connection.Handle, "SELECT class, ref, created, modified, fields FROM objects ORDER BY ref", out var statement));
        using (statement)
        {
            int code;
            while ((code = raw.sqlite3_step(statement)) == raw.SQLITE_ROW)
            {
                batch.Add(
                    raw.sqlite3_column_blob(statement, 0),
                    raw.sqlite3_column_text(statement, 1).utf8_to_string(),
                    raw.sqlite3_column_int64(statement, 2),
                    raw.sqlite3_column_int64(statement, 3),
                    raw.sqlite3_column_blob(statement, 4));
                if (!batch.IsFull)
                    continue;
                take(batch);
                batch = new RowBatch();
            }

            Check(code);
        }

        take(batch);
    }

    public List<Intent> ReadIntents()
    {
        var intents = new List<Intent>();
        using var rows = _connection.ExecuteReader("SELECT id, sr, operation, keys FROM intents ORDER BY id");
        while (rows.Read())
            intents.Add(new(rows.GetString(0), rows.GetString(1), rows.GetString(2), rows.GetString(3) is { Length: > 0 } keys ? keys.Split('\n') : []));
        return intents;
    }

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
            throw new StoreFullException(_path, e);
        }
    }

    private static SqliteConnection Connect(string path, SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = mode, Pooling = false }.ToString());
        try
        {
            connection.Open();
            connection.Execute("PRAGMA busy_timeout=30000");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private static int VersionOf(SqliteConnection connection) =>
        connection.ExecuteScalar<int>("PRAGMA user_version") is var version && version <= SchemaVersion
            ? version
            : throw new StateVersionException(version, SchemaVersion);

    private void MakeTables() => _connection.Execute($"""
        CREATE TABLE objects (ref TEXT PRIMARY KEY, class TEXT NOT NULL, uuid TEXT, created INTEGER NOT NULL, modified INTEGER NOT NULL, fields TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE intents (id TEXT PRIMARY KEY, sr TEXT NOT NULL, operation TEXT NOT NULL, keys TEXT NOT NULL) WITHOUT ROWID;
        CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
        PRAGMA user_version={SchemaVersion};
        """);

    /// <summary>Statements for several rows are prepared once.</summary>
    private void WriteAll(List<Record> upserts, List<Record> deletes, IReadOnlyList<Intent> intents, IReadOnlyList<string> endedIntents, IReadOnlyDictionary<string, string> facts)
    {
        if (upserts.Count > 0)
            Upsert(upserts);
        if (deletes.Count > 0)
            _connection.Execute("DELETE FROM objects WHERE ref = @ref", deletes.Select(r => _reference.With(r.Reference)));
        if (intents.Count > 0)
            _connection.Execute("INSERT INTO intents (id, sr, operation, keys) VALUES (@id, @sr, @operation, @keys)", intents.Select(i => _intent.With(i.Id, i.Sr, i.Operation, string.Join('\n', i.Keys))));
        if (endedIntents.Count > 0)
            _connection.Execute("DELETE FROM intents WHERE id = @id", endedIntents.Select(id => _id.With(id)));
        foreach (var (name, value) in facts)
            _connection.Execute("INSERT INTO meta (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value", _fact.With(name, value));
    }

    /// <summary>In the order of the key, so that thousands of rows fill page after page.</summary>
    private void Upsert(List<Record> records)
    {
        if (records.Count > 1)
            records.Sort((a, b) => string.CompareOrdinal(a.Reference, b.Reference));
        _connection.Execute(
            "INSERT INTO objects (ref, class, uuid, created, modified, fields) VALUES (@ref, @class, @uuid, @created, @modified, @fields) " +
            "ON CONFLICT (ref) DO UPDATE SET uuid = excluded.uuid, modified = excluded.modified, fields = excluded.fields",
            records.Select(r => _row.With(
                r.Reference, r.Class.Name, r.Class.Find("uuid") is null ? null : r.Uuid, r.Created, r.Modified, Encoding.UTF8.GetString(_codec.Encode(r)))));
    }

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

    private void Check(int code) => SqliteException.ThrowExceptionForRC(code, _connection.Handle);
}

/// <summary>The state was written by a newer server.</summary>
public sealed class StateVersionException(int found, int supported)
    : Exception($"the state was written by a newer version (format {found}, this server reads up to {supported})");

/// <summary>There is no space left for a commit.</summary>
internal sealed class StoreFullException(string path, Exception inner) : Exception("no space left for " + path, inner)
{
    public string Path { get; } = path;
}

using System.Buffers;
using System.Text;
using System.Text.Json;
using Dapper;
using Microsoft.Data.Sqlite;
using XapiCompat.Datamodel;
using XapiCompat.Values;

namespace XapiCompat.Store;

/// <summary>The SQLite file behind the records: one row per object, read once at start, written through at each commit. All SQL is here.</summary>
internal sealed class SqliteFile : IDisposable
{
    /// <summary>Raised whenever an older server could not read the file any more.</summary>
    public const int SchemaVersion = 1;

    private readonly SqliteConnection _connection;
    private readonly Model _model;

    private SqliteFile(SqliteConnection connection, Model model)
    {
        _connection = connection;
        _model = model;
    }

    public static SqliteFile Open(string path, Model model, bool durable)
    {
        SQLitePCL.Batteries_V2.Init();
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

    public IEnumerable<Record> ReadObjects()
    {
        foreach (var row in _connection.Query<ObjectRow>("SELECT ref, class, created, modified, fields FROM objects", buffered: false))
        {
            // A class that a later datamodel dropped takes its objects along.
            if (_model.FindClass(row.Class) is not { } definition)
                continue;
            yield return new(definition, row.Ref, DecodeFields(definition, row.Fields), row.Created, row.Modified);
        }
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
        catch (SqliteException e) when (e.SqliteErrorCode == SQLitePCL.raw.SQLITE_FULL)
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
        using var command = _connection.CreateCommand();
        command.CommandText =
            "INSERT INTO objects (ref, class, uuid, created, modified, fields) VALUES ($ref, $class, $uuid, $created, $modified, $fields) " +
            "ON CONFLICT (ref) DO UPDATE SET uuid = excluded.uuid, modified = excluded.modified, fields = excluded.fields";
        var reference = command.Parameters.Add("$ref", SqliteType.Text);
        var @class = command.Parameters.Add("$class", SqliteType.Text);
        var uuid = command.Parameters.Add("$uuid", SqliteType.Text);
        var created = command.Parameters.Add("$created", SqliteType.Integer);
        var modified = command.Parameters.Add("$modified", SqliteType.Integer);
        var fields = command.Parameters.Add("$fields", SqliteType.Text);
        foreach (var record in records)
        {
            reference.Value = record.Reference;
            @class.Value = record.Class.Name;
            uuid.Value = record.Class.Find("uuid") is null ? DBNull.Value : record.Uuid;
            created.Value = record.Created;
            modified.Value = record.Modified;
            fields.Value = EncodeFields(record);
            command.ExecuteNonQuery();
        }
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
            if (SQLitePCL.raw.sqlite3_get_autocommit(_connection.Handle) == 0)
                _connection.Execute("ROLLBACK");
            throw;
        }
    }

    private void WriteMeta(string name, string value) =>
        _connection.Execute(
            "INSERT INTO meta (name, value) VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
            new { name, value });

    private static string EncodeFields(Record record)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            foreach (var field in record.Class.Fields)
            {
                if (!field.Persist || field.Computed)
                    continue;
                writer.WritePropertyName(field.Name);
                JsonValues.Write(writer, record[field]);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static XenValue[] DecodeFields(ClassDef definition, string json)
    {
        using var document = JsonDocument.Parse(json);
        var values = new XenValue[definition.Fields.Count];
        foreach (var field in definition.Fields)
        {
            // A field that a later datamodel added starts with its default.
            values[field.Index] = !field.Computed && field.Persist && document.RootElement.TryGetProperty(field.Name, out var stored)
                ? field.Type.Coerce(JsonValues.Read(stored))
                : field.Computed ? XenArray.Empty : field.Default;
        }

        return values;
    }

    private sealed class ObjectRow
    {
        public string Ref { get; init; } = "";

        public string Class { get; init; } = "";

        public long Created { get; init; }

        public long Modified { get; init; }

        public string Fields { get; init; } = "";
    }

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

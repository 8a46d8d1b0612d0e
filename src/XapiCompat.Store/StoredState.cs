using Microsoft.Data.Sqlite;
using XapiCompat.Datamodel;

namespace XapiCompat.Store;

/// <summary>What a database file holds at one moment, read beside a server or without one. Nothing is written.</summary>
/// <param name="Records">Every object, sets of the other side of a relation left empty.</param>
/// <param name="Intents">Operations under way or interrupted.</param>
/// <param name="Problems">What SQLite's own check says; empty when all is well.</param>
public sealed record StoredState(IReadOnlyList<Record> Records, IReadOnlyList<Intent> Intents, IReadOnlyList<string> Problems)
{
    /// <summary>Reads a database; one that cannot be read is all problems.</summary>
    /// <exception cref="StateVersionException">A newer server wrote it.</exception>
    public static StoredState Read(string path, Model model)
    {
        IReadOnlyList<string> problems = [];
        try
        {
            using var file = SqliteFile.OpenReadOnly(path);
            problems = file.CheckIntegrity();
            var codec = new RecordCodec();
            var records = new List<Record>();
            file.ReadRows(batch => records.AddRange(batch.Decode(model, codec)));
            return new StoredState(records, file.ReadIntents(), problems);
        }
        catch (Exception e) when (problems.Count > 0 || e is SqliteException or System.Text.Json.JsonException or InvalidOperationException or FormatException or ArgumentException)
        {
            // Whatever the rows of a damaged file look like.
            return new StoredState([], [], [.. problems, "its objects cannot be read: " + e.Message]);
        }
    }
}

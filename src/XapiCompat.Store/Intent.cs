namespace XapiCompat.Store;

/// <summary>
/// A promise written before files of an SR appear or vanish. The transaction that writes the records deletes it; one
/// found at start says that the operation was interrupted and must be finished or undone.
/// </summary>
/// <param name="Id">Unique.</param>
/// <param name="Sr">Uuid of the SR.</param>
/// <param name="Operation">What was about to happen, e.g. <c>snapshot</c>.</param>
/// <param name="Keys">Volume keys concerned: the new one for create, snapshot and clone, the doomed one for destroy.</param>
public sealed record Intent(string Id, string Sr, string Operation, IReadOnlyList<string> Keys);

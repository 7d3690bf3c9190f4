using System.Globalization;
using System.Text.Json;
using Lanyard.Primitives;
using Lanyard.Wire;

namespace Lanyard.Controller;

/// <summary>
/// Reads a record's fields from a JSON object and records each field and list entry that cannot be read. A field that is absent or unreadable leaves the record
/// unchanged; null selects the field's default. Accepts the same types as <see cref="LenientValues"/>.
/// </summary>
internal sealed class FieldReader
{
    private const int MaxListed = 8;

    private readonly List<string> _problems = [];
    private string _scope = "";

    /// <summary>Whether every field was readable.</summary>
    public bool HasReadAll => _problems.Count == 0;

    /// <summary>The unreadable fields, each with its expected value.</summary>
    public string Problems => string.Join("; ", _problems.Take(MaxListed)) + (_problems.Count > MaxListed
        ? string.Create(CultureInfo.InvariantCulture, $"; and {_problems.Count - MaxListed} more.") : ".");

    /// <summary>Throws if a field was unreadable.</summary>
    /// <exception cref="UnreadableFieldException">A field was unreadable.</exception>
    public void ThrowIfAny()
    {
        if (!HasReadAll)
            throw new UnreadableFieldException(Problems);
    }

    /// <summary>Records an unreadable field.</summary>
    /// <param name="field">The field's name in the current object.</param>
    /// <param name="expected">The expected value, such as <c>true or false</c>.</param>
    public void Refuse(string field, string expected) => _problems.Add($"\"{_scope}{field}\" is not {expected}");

    /// <summary>Reads a Boolean.</summary>
    public bool TryFlag(JsonElement json, string name, bool defaultValue, out bool value)
    {
        value = defaultValue;
        if (!json.TryGet(name, out var field))
            return false;
        if (field.ValueKind == JsonValueKind.Null || LenientValues.TryReadSwitch(field, out value))
            return true;
        Refuse(name, "true or false");
        return false;
    }

    /// <summary>Reads a non-negative number, limited to the maximum.</summary>
    public bool TryNumber(JsonElement json, string name, ulong defaultValue, ulong max, out ulong value)
    {
        value = defaultValue;
        if (!json.TryGet(name, out var field))
            return false;
        if (field.ValueKind == JsonValueKind.Null)
            return true;
        if (!LenientValues.TryReadNumber(field, out var number) || number < 0)
        {
            Refuse(name, "a number of 0 or more");
            return false;
        }

        value = (ulong)Math.Min(number, max);
        return true;
    }

    /// <summary>Reads a number of at most the given bits; returns <paramref name="missing"/> if the field is absent or null, and 0 if it is unreadable.</summary>
    public ulong Bits(JsonElement json, string name, int bits, ulong missing = 0)
    {
        if (!json.TryGet(name, out var field) || field.ValueKind == JsonValueKind.Null)
            return missing;
        return TryBits(field, name, bits, out var value) ? value : 0;
    }

    /// <summary>Reads a value as a number of at most the given bits.</summary>
    public bool TryBits(JsonElement field, string name, int bits, out ulong value)
    {
        var max = bits == 64 ? ulong.MaxValue : (1UL << bits) - 1;
        value = 0;
        if (!LenientValues.TryReadNumber(field, out var number) || number < 0 || number > max)
        {
            Refuse(name, string.Create(CultureInfo.InvariantCulture, $"a number of 0 to {max}"));
            return false;
        }

        value = (ulong)number;
        return true;
    }

    /// <summary>Reads a string.</summary>
    public bool TryText(JsonElement json, string name, out string value)
    {
        value = "";
        if (!json.TryGet(name, out var field))
            return false;
        if (field.ValueKind == JsonValueKind.Null)
            return true;
        value = LenientValues.TryReadText(field) ?? "";
        if (field.ValueKind is JsonValueKind.Number || (field.ValueKind == JsonValueKind.String && LenientValues.TryReadText(field) is not null))
            return true;
        Refuse(name, "a string");
        return false;
    }

    /// <summary>Reads a node address; an empty string is none.</summary>
    public bool TryNode(JsonElement json, string name, out NodeAddress value)
    {
        value = default;
        if (!json.TryGet(name, out var field))
            return false;
        if (field.ValueKind == JsonValueKind.Null || LenientValues.TryReadText(field) is { } text && (text.Length == 0 || NodeAddress.TryParse(text, out value)))
            return true;
        Refuse(name, "a node address, ten hexadecimal digits");
        return false;
    }

    /// <summary>Reads a list. The name of an entry contains its index. Null is an empty list.</summary>
    /// <param name="json">The object.</param>
    /// <param name="name">The field's name.</param>
    /// <param name="read">Reads an entry. Its second argument is the entry's name, for <see cref="Refuse"/>.</param>
    /// <returns>Whether the field is a list or null.</returns>
    public bool TryList(JsonElement json, string name, Action<JsonElement, string> read)
    {
        if (!json.TryGet(name, out var list))
            return false;
        if (list.ValueKind == JsonValueKind.Null)
            return true;
        if (list.ValueKind != JsonValueKind.Array)
        {
            Refuse(name, "a list");
            return false;
        }

        var place = 0;
        foreach (var entry in list.EnumerateArray())
            read(entry, string.Create(CultureInfo.InvariantCulture, $"{name}[{place++}]"));
        return true;
    }

    /// <summary>Reads a nested object. Its name becomes a prefix of its fields' names.</summary>
    public void Within(string name, Action read)
    {
        var outer = _scope;
        _scope = $"{outer}{name}.";
        read();
        _scope = outer;
    }
}

/// <summary>Thrown when a request body has an unreadable field. Nothing was changed.</summary>
internal sealed class UnreadableFieldException(string message) : Exception(message);

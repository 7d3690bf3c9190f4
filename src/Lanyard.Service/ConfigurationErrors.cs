using System.Globalization;
using System.Text.Json;
using Lanyard.Wire;

namespace Lanyard.Service;

/// <summary>Collects the errors in a <c>local.conf</c>, each with its key, the expected value and the value found.</summary>
/// <param name="path">The file, for messages.</param>
internal sealed class ConfigurationErrors(string path)
{
    private const int MaxListedLength = 100;

    // One mistake, such as a list in place of an object, can cause thousands of errors.
    private const int MaxListed = 32;

    private readonly List<string> _errors = [];

    /// <summary>The number of errors.</summary>
    public int Count => _errors.Count;

    /// <summary>Adds an error.</summary>
    /// <param name="key">The key, with its parent keys.</param>
    /// <param name="problem">The problem, such as <c>is not an object</c>.</param>
    /// <param name="found">The value found; null if it is secret or is not the problem.</param>
    public void Add(string key, string problem, JsonElement? found = null)
    {
        _errors.Add(found is { } value ? $"\"{key}\" {problem}, but {Show(value)}" : $"\"{key}\" {problem}");
    }

    /// <summary>Creates the exception for a single error; see <see cref="Add"/>.</summary>
    public LanyardStateException Of(string key, string problem, JsonElement? found = null)
    {
        Add(key, problem, found);
        return All();
    }

    /// <summary>Throws one exception with all errors, if there are any.</summary>
    /// <exception cref="LanyardStateException">There is an error.</exception>
    public void ThrowIfAny()
    {
        if (_errors.Count > 0)
            throw All();
    }

    /// <summary>Reads a string. Adds an error and returns null for any other value.</summary>
    public string? Text(string key, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String)
            return value.GetString();
        Add(key, "is not a string", value);
        return null;
    }

    /// <summary>Reads a network ID. Adds an error and returns null for any other value.</summary>
    public NetworkId? Network(string key, JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.String && NetworkId.TryParse(value.GetString(), out var network))
            return network;
        Add(key, "is not a network ID, sixteen hexadecimal digits", value);
        return null;
    }

    // Objects are not shown, because they may contain a password.
    private static string Show(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String when value.GetRawText().Contains('@', StringComparison.Ordinal) => "a string with an @, which may contain a password",
        _ when value.GetRawText() is { Length: > MaxListedLength } text => $"{text[..MaxListedLength]}...",
        _ => value.GetRawText(),
    };

    private LanyardStateException All()
    {
        var more = _errors.Count > MaxListed ? string.Create(CultureInfo.InvariantCulture, $"; and {_errors.Count - MaxListed} more") : "";
        return new LanyardStateException(path, $"In the file '{path}', {string.Join("; ", _errors.Take(MaxListed))}{more}.");
    }
}

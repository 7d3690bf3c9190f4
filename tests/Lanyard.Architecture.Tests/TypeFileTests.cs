using System.Text.RegularExpressions;

namespace Lanyard.Architecture.Tests;

/// <summary>Checks that each type is declared in one file.</summary>
public sealed partial class TypeFileTests
{
    [Theory]
    [InlineData("Lanyard.NetStack")]
    public void A_type_is_declared_in_one_file(string room)
    {
        var folder = Path.Combine(Product.Root, "src", room) + Path.DirectorySeparatorChar;
        var declarations = Product.SourceFiles.Where(file => file.StartsWith(folder, StringComparison.Ordinal))
            .SelectMany(file => Declaration().Matches(File.ReadAllText(file)).Select(match => (Type: match.Groups[1].Value, File: Path.GetFileName(file)))).ToList();
        Assert.NotEmpty(declarations);
        var split = declarations.Distinct().GroupBy(declaration => declaration.Type).Where(group => group.Count() > 1)
            .Select(group => $"{group.Key}: {string.Join(", ", group.Select(declaration => declaration.File))}");
        Assert.Empty(split);
    }

    [Theory]
    [InlineData("public sealed partial class Node<T>(int id) : IDisposable", "Node<T>")]
    [InlineData("internal readonly ref struct Segment", "Segment")]
    [InlineData("public readonly record struct Point(int X, int Y);", "Point")]
    [InlineData("internal interface IOwner", "IOwner")]
    [InlineData("    private sealed class Nested", "")]
    public void A_declaration_is_recognized(string line, string type) => Assert.Equal(type, Declaration().Match(line).Groups[1].Value);

    // A type that is not nested. A nested type is declared in more than one file only if its containing type is.
    [GeneratedRegex(@"^(?:[a-z]+ )*(?:class|struct|interface|enum|record) (\w+(?:<[^>]*>)?)", RegexOptions.Multiline)]
    private static partial Regex Declaration();
}
